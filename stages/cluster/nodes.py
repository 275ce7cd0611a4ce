"""Join a Ray cluster, and make sure that its nodes can run what they will be given."""

import logging
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any

import ray
from dvc.exceptions import DvcException
from dvc.repo import Repo
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from stages.cluster.workspace import workspace
from stages.common.params import Resources
from stages.common.program import UserError, first_line

# What a step needs to run, or its result depends on; the names are those of pip.
PACKAGES = ("dvc", "keras", "numpy", "pandas", "pillow", "tensorflow")

logger = logging.getLogger(__name__)


def connect() -> None:
    """Join the cluster at ``RAY_ADDRESS``, or one that runs on this machine, or else start one here.

    Raises:
        UserError: There is no cluster at that address, or one with another version of Python or Ray.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdigit() and "//" not in host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        # What git ignores stays here: data, models and local settings.
        ray.init(runtime_env={"working_dir": "."}, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        where = f"at RAY_ADDRESS={address}" if address else "on this machine"
        raise UserError(f"expected a Ray cluster {where}, found none to join: {first_line(error)}") from error


def bundle(resources: Resources) -> dict[str, float]:
    """Translate to the amounts of a node that Ray reserves: processors, GPUs, memory in bytes."""
    return {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory_gib * 2**30}


def task_options(resources: Resources) -> dict[str, float]:
    """Spell a bundle as options of a task or an actor."""
    reserved = bundle(resources)
    return {"num_cpus": reserved["CPU"], "num_gpus": reserved["GPU"], "memory": reserved["memory"]}


def check_nodes(wanted: Iterable[Resources]) -> None:
    """Make sure that the nodes can run what they will be given, before anything runs.

    Raises:
        UserError: No node is large enough, or one has other versions than this machine, or cannot read from and
            write to the DVC remote that this machine uses. The text lists the problems of every node.
    """
    problems = missing_resources(wanted)
    with Repo() as repo, probe(repo, f"{socket.gethostname()}-{os.getpid()}") as mark:
        versions = installed_versions()
        checks = []
        for node in living_nodes():
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            check = problems_of_node.options(scheduling_strategy=there).remote(versions, mark)
            checks.append((node["NodeManagerHostname"], check))
        for name, check in checks:
            try:
                problems += [f"{name}: {problem}" for problem in ray.get(check)]
            except ray.exceptions.TaskUnschedulableError:
                logger.warning("%s has left the cluster: going on without it", name)
            except ray.exceptions.RayError as error:
                problems.append(f"{name}: {cause_of(error)}")
    if problems:
        raise UserError(f"nodes cannot run the steps: {'; '.join(dict.fromkeys(problems))}")


def living_nodes() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def missing_resources(wanted: Iterable[Resources]) -> list[str]:
    """Describe the resources that no node has."""
    nodes = [node["Resources"] for node in living_nodes()]
    return [
        f"no node has {needed.cpus} CPUs, {needed.gpus} GPUs and {needed.memory_gib:g} GiB of memory "
        "(cluster in params.yaml)"
        for needed in wanted
        if not any(fits(needed, node) for node in nodes)
    ]


def fits(resources: Resources, node: dict[str, float]) -> bool:
    return all(node.get(name, 0) >= amount for name, amount in bundle(resources).items())


def cause_of(error: Exception) -> str:
    """Say in a line why a task failed."""
    return first_line(error.cause if isinstance(error, ray.exceptions.RayTaskError) else error)


def installed_versions() -> dict[str, str]:
    versions = {"Python": python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    return versions


@ray.remote(num_cpus=0)
def problems_of_node(versions: dict[str, str], mark: str) -> list[str]:
    """List what keeps this node from running steps: versions other than the caller's, a remote out of reach."""
    here = installed_versions()
    problems = [f"{name} {here[name]} instead of {wanted}" for name, wanted in versions.items() if here[name] != wanted]
    try:
        with workspace() as folder, Repo(str(folder)) as repo, probe(repo, ray.get_runtime_context().get_node_id()):
            remote = repo.cloud.get_remote_odb()
            if not remote.fs.exists(remote.fs.join(remote.path, mark)):
                problems.append(f"{remote.path} is not the DVC remote that the caller writes to")
    except UserError as error:
        problems.append(str(error))
    return problems


@contextmanager
def probe(repo: Repo, name: str) -> Iterator[str]:
    """Write an empty file to the default DVC remote, give its name, and delete it at the end."""
    try:
        remote = repo.cloud.get_remote_odb()
        path = remote.fs.join(remote.path, f".reached-from-{name}")
        remote.fs.makedirs(remote.path, exist_ok=True)
        remote.fs.touch(path)
    except (DvcException, OSError) as error:
        raise UserError(
            f"expected a default DVC remote that every node can write to: {first_line(error)}: "
            "`dvc remote add --default NAME URL`, and commit .dvc/config"
        ) from error
    try:
        yield path.rpartition("/")[2]
    finally:
        remote.fs.remove(path)
