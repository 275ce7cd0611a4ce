"""Join a Ray cluster, and make sure that its nodes can run what they will be given."""

import logging
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import ray
from dvc.exceptions import DvcException
from dvc.repo import Repo
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from commands.cluster.workspace import workspace
from stages.common.cli import UserError, first_line
from stages.common.params import Resources

# What a step needs to run, or its result depends on; the names are those of pip.
PACKAGES = ("dvc", "keras", "numpy", "pandas", "pillow", "tensorflow")
# Ray 2.60 keeps no object of what was raised: Ray Data by default, and Ray of an error that cannot be unpickled.
ONLY_TEXT = (ray.exceptions.UserCodeException, ray.exceptions.UnserializableException)
RAISED = re.compile(r"(?!Traceback|ray\.exceptions\.)[A-Za-z_][\w.]*(: |$)")

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def connect() -> None:
    """Join the cluster at ``RAY_ADDRESS``, or one that runs on this machine, or else start one here.

    Raises:
        UserError: There is no cluster at that address, or one with another version of Python or Ray, or the project's
            files cannot be sent to it.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    host, _, port = address.rpartition(":")
    with TemporaryDirectory() as folder:
        copy_tracked_files(Path(folder))
        try:
            if host and port.isdigit() and "//" not in host:  # Ray itself would try for minutes
                socket.create_connection((host, int(port)), timeout=10).close()
            ray.init(runtime_env={"working_dir": folder}, logging_level="ERROR")
        except ray.exceptions.RuntimeEnvSetupError as error:
            reason = first_line(error.error_message or error)
            raise UserError(f"expected to send the files that git tracks to the nodes, received: {reason}") from error
        except (OSError, OverflowError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            where = f"at RAY_ADDRESS={address}" if address else "on this machine"
            raise UserError(f"expected a Ray cluster {where}, found none to join: {first_line(error)}") from error


def copy_tracked_files(target: Path) -> None:
    """Copy the project's files that git tracks, with uncommitted changes: what Ray is to send to the nodes.

    Photos, models, settings of this machine and secrets stay here, whether git ignores or merely does not track them.

    Raises:
        UserError: This is no git repository, or git does not track the pipeline.
    """
    tracked = [path for path in git_files() if path.is_file()]
    if Path("dvc.yaml") not in tracked:
        raise UserError("expected git to track dvc.yaml, as the nodes receive what git tracks: `git add --all`")
    for path in git_files("--others", "--exclude-standard", "commands", "stages"):
        logger.warning("%s stays here: git does not track it; if the nodes need it, `git add` it", path)
    for path in tracked:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / path)


def git_files(*options: str) -> list[Path]:
    """Run `git ls-files`."""
    try:
        command = ["git", "ls-files", "-z", *options]
        listed = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", check=True).stdout  # noqa: S603
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = first_line(getattr(error, "stderr", None) or error)
        raise UserError(
            f"expected a git repository, as the nodes receive what git tracks: {reason}: `git init` and `git add --all`"
        ) from error
    return [Path(name) for name in listed.split("\0") if name]


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


class RaisedError(ray.exceptions.UserCodeException):
    """Carries what a task raised, in ``args``, past Ray Data 2.60, which writes advice into an error: over its file."""


def carrying_errors(function: Callable[..., Result]) -> Callable[..., Result]:
    """Let :func:`raised_by` find what a function of Ray Data raises, if ``raise_original_map_exception`` is set."""

    @wraps(function)
    def carry(*args: Any) -> Result:
        try:
            return function(*args)
        except Exception as error:
            raise RaisedError(error) from error

    return carry


def raised_by(error: Exception) -> Exception:
    """Return what a task, or an actor at its start, raised; Ray's error where the node failed, or only text is left."""
    if isinstance(error, ray.exceptions.ActorDiedError) and error.actor_init_failed:
        [error] = error.args
    if isinstance(error, ray.exceptions.RayTaskError):
        error = error.cause
    return error.args[0] if isinstance(error, RaisedError) else error


def cause_of(error: Exception) -> str:
    """Say in a line why a task or an actor failed: the notes of what it raised, such as a file, and its text."""
    cause = raised_by(error)
    reason = first_line(cause) or type(cause).__name__
    if isinstance(cause, ONLY_TEXT):  # a chain of tracebacks, of which the first ends in what was raised
        reason = next((line for line in str(error).splitlines() if RAISED.match(line)), reason)
    return ": ".join([*getattr(cause, "__notes__", []), reason])


def installed_versions() -> dict[str, str]:
    versions = {"Python": python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    return versions


def compare_versions(wanted: dict[str, str], installed: dict[str, str]) -> list[str]:
    """Describe the packages of which a node has another version than the caller."""
    return [f"{name} {installed[name]} instead of {wanted[name]}" for name in wanted if installed[name] != wanted[name]]


@ray.remote(num_cpus=0)
def problems_of_node(versions: dict[str, str], mark: str) -> list[str]:
    """List what keeps this node from running steps: versions other than the caller's, a remote out of reach."""
    problems = compare_versions(versions, installed_versions())
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
