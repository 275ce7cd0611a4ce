"""Join a Ray cluster, check its nodes, wait for what they run, and report their failures."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import ray
from dvc.repo import Repo
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from commands.cluster.workspace import NodeError, dvc, workspace
from stages.common.cli import MachineError, UserError, first_line, logger, machine_problem
from stages.common.params import Resources

# What a step needs to run, or its result depends on, by pip's names.
PACKAGES = ("dvc", "keras", "numpy", "pandas", "pillow", "tensorflow")


def prepare(resources: Iterable[Resources], inputs: Sequence[str], features: Iterable[str]) -> str:
    """Join the cluster, run the steps before training, and return ``dvc.lock``.

    The nodes pull the outputs of the steps ``inputs``, and extract the ``features`` together. Raise UserError, before
    they run anything, unless they can run steps and one has the ``resources``.
    """
    connect()
    check_resources(resources)
    dvc("repro", "backbone", "label_stats", "pixels")
    dvc("push", *inputs)
    check_nodes(Path("dvc.lock").read_text(encoding="utf-8"))
    if steps := [f"features@{name}" for name in features]:
        dvc("repro", "--pull", "--single-item", *steps)
        dvc("push", *steps)
    return Path("dvc.lock").read_text(encoding="utf-8")


def connect() -> None:
    """Join the cluster at ``RAY_ADDRESS``, or one that runs on this machine, or else start one here.

    From then on the step `features`, which DVC runs here, has the nodes extract the features.
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
    joined = ray.get_runtime_context().gcs_address
    os.environ |= {"RAY_ADDRESS": joined, "FEATURE_STORE": "commands.cluster.feature_shards"}


def copy_tracked_files(target: Path) -> None:
    """Copy the files that git tracks, with uncommitted changes, for Ray to send to the nodes.

    Photos, models, settings of this machine and secrets stay here, whether git ignores or merely does not track them.
    """
    tracked = [path for path in git_files() if path.is_file()]
    if Path("dvc.yaml") not in tracked:
        raise UserError("expected git to track dvc.yaml, as the nodes receive what git tracks: `git add --all`")
    for path in git_files("--others", "--exclude-standard", "commands", "stages"):
        logger.warning("%s is not sent to the nodes, as git does not track it; if they need it, `git add` it", path)
    for path in tracked:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / path)


def git_files(*options: str) -> list[Path]:
    try:
        command = ["git", "ls-files", "-z", *options]
        listed = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", check=True).stdout  # noqa: S603
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = first_line(getattr(error, "stderr", None) or error)
        raise UserError(f"expected a git repository for the nodes: {reason}: `git init` and `git add --all`") from error
    return [Path(name) for name in listed.split("\0") if name]


def check_resources(needed: Iterable[Resources]) -> None:
    """Raise UserError unless some node is large enough for each: Ray would wait for one to join."""
    nodes = [node["Resources"] for node in alive_nodes()]
    for resources in needed:
        amounts = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory_gib * 2**30}
        if not any(all(node.get(name, 0) >= amount for name, amount in amounts.items()) for node in nodes):
            listed = f"cpus: {resources.cpus}, gpus: {resources.gpus}, memory_gib: {resources.memory_gib:g}"
            raise UserError(f"expected a node with {listed} (cluster in params.yaml), found none")


def check_nodes(lock: str) -> None:
    """Raise UserError unless all nodes have the versions of this machine, and read and write its DVC remote."""
    problems, checks = [], []
    for node in alive_nodes():
        affinity = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        check = problems_of_node.options(scheduling_strategy=affinity).remote(installed_versions(), lock)
        checks.append((node, check))
    for node, check in checks:
        name = node["NodeManagerHostname"]
        try:
            problems += [f"{name}: {problem}" for problem in result_of(check)]
        except Exception as error:  # noqa: BLE001 (all of them are named)
            if any(alive["NodeID"] == node["NodeID"] for alive in alive_nodes()):  # else it died, and runs no step
                problems.append(f"{name}: {first_line(error)}")
    if problems:
        raise UserError(f"nodes cannot run the steps: {'; '.join(dict.fromkeys(problems))}")


def alive_nodes() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def installed_versions() -> dict[str, str]:
    return {"Python": python_version(), **{name: version(name) for name in PACKAGES}}


def on_node(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate what runs on a node: any error becomes a UserError, a MachineError or a RuntimeError of one line.

    Such an error can be pickled, and has the file's name, in its text or its notes.
    """

    @wraps(function)
    def explaining(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except UserError:
            raise
        except Exception as error:
            text = ": ".join([*getattr(error, "__notes__", []), first_line(error)])
            raise (MachineError if machine_problem(error) else RuntimeError)(text) from error

    return explaining


@ray.remote(num_cpus=0)
@on_node
def problems_of_node(versions: dict[str, str], lock: str) -> list[str]:
    """Describe why this node cannot run steps: versions other than the caller's, a remote out of reach."""
    here = installed_versions()
    problems = [f"{name} {here[name]} instead of {other}" for name, other in versions.items() if here[name] != other]
    try:
        with workspace(lock) as folder, Repo(str(folder)) as repo:
            dvc("pull", "split", folder=folder)  # unlike fetch, it fails where files are missing
            remote = repo.cloud.get_remote_odb()
            probe = remote.fs.join(remote.path, f".probe-{uuid4().hex}")
            remote.fs.touch(probe)  # or a training run would fail at its end, at each retry
            remote.fs.rm_file(probe)  # unlike remove(), which takes brackets in the path for a pattern
    except UserError as error:
        problems.append(f"expected the caller's default DVC remote: {error}")
    return problems


def slots_for(resources: Resources) -> int:
    """Return how many tasks that reserve this run at a time."""
    return max(1, int(ray.cluster_resources().get("CPU", 0) / resources.cpus))


def task_options(resources: Resources, retries: int) -> dict[str, Any]:
    """Return what a task reserves on a node, and how often it starts again where a node failed."""
    reserved = {"num_cpus": resources.cpus, "num_gpus": resources.gpus, "memory": resources.memory_gib * 2**30}
    return {**reserved, "max_retries": retries, "retry_exceptions": [NodeError]}


def result_of(task: ray.ObjectRef) -> Any:
    """Wait for a task; return its result, or raise what it raised, or a MachineError if its node failed."""
    try:
        return ray.get(task)
    except ray.exceptions.RayError as error:
        cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error
        raise (MachineError(first_line(cause)) if isinstance(cause, ray.exceptions.RayError) else cause) from error


def wait_for_all(tasks: Mapping[str, ray.ObjectRef]) -> dict[str, Any]:
    """Wait until all of the named tasks have ended; return what each returned, or the exception that it raised."""
    names = {task: name for name, task in tasks.items()}
    results, waiting = dict.fromkeys(tasks), list(names)
    while waiting:
        [task], waiting = ray.wait(waiting)
        try:
            results[names[task]] = result_of(task)
            logger.info("%s: done (%d to go)", names[task], len(waiting))
        except Exception as error:  # noqa: BLE001 (the caller reports it)
            results[names[task]] = error
    return results
