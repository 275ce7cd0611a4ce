"""Run the pipeline's steps on the nodes of a Ray cluster.

Ray carries the project's files to a node, DVC's remote the data. There a step runs in a folder of its own: it pulls
what it reads, and pushes what it wrote together with DVC's run cache, from which a `dvc repro --pull` anywhere takes
the step's outputs instead of running it.
"""

import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from shutil import copytree, ignore_patterns
from subprocess import PIPE, STDOUT, Popen
from tempfile import TemporaryDirectory
from threading import Thread

import ray
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from stages.common.command import UserError, first_line
from stages.common.params import Needs

# What a step's result depends on, or its run; the packages' names are those of pip.
PACKAGES = ("dvc", "keras", "numpy", "pandas", "pillow", "tensorflow")
PROBE = ".reached-from-"

logger = logging.getLogger(__name__)


def connect() -> None:
    """Join the cluster at ``RAY_ADDRESS``, or one that runs on this machine, or else start one here.

    Raises:
        UserError: There is no cluster at that address, or one of other versions of Python or Ray.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdigit() and "//" not in host:  # Ray itself would knock for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        # What git ignores stays here: data, models and local settings.
        ray.init(runtime_env={"working_dir": "."}, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        where = f"at RAY_ADDRESS={address}" if address else "on this machine"
        raise UserError(f"expected a Ray cluster {where}, found none to join: {first_line(error)}") from error


def check_nodes(wanted: Collection[Needs]) -> None:
    """Make sure that the nodes can do what will be asked of them, before anything runs.

    Raises:
        UserError: No node is large enough, or one has other versions than this machine, or cannot read from and
            write to the DVC remote that this machine uses. The text lists every node's trouble.
    """
    nodes = [node for node in ray.nodes() if node["Alive"]]
    troubles = [
        f"none with {describe(needs)}"
        for needs in wanted
        if not any(fits(resources_of(needs), node["Resources"]) for node in nodes)
    ]
    with Repo() as repo, probe(repo, f"{socket.gethostname()}-{os.getpid()}") as mark:
        versions = versions_of(PACKAGES)
        checks = []
        for node in nodes:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            checks.append(trouble_of_node.options(scheduling_strategy=there).remote(versions, mark))
        for node, check in zip(nodes, checks, strict=True):
            name = node["NodeManagerHostname"]
            try:
                troubles += [f"{name}: {trouble}" for trouble in ray.get(check)]
            except ray.exceptions.TaskUnschedulableError:
                logger.warning("%s has left the cluster: going on without it", name)
    if troubles:
        raise UserError(f"expected nodes that can run the steps, received {'; '.join(dict.fromkeys(troubles))}")


def resources_of(needs: Needs) -> dict[str, float]:
    """Say it in Ray's words."""
    return {"num_cpus": needs.cpus, "num_gpus": needs.gpus, "memory": needs.memory_gib * 2**30}


def fits(wanted: dict[str, float], there: dict[str, float]) -> bool:
    names = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
    return all(there.get(names[name], 0) >= amount for name, amount in wanted.items())


def describe(needs: Needs) -> str:
    return f"{needs.cpus} CPUs, {needs.gpus} GPUs and {needs.memory_gib:g} GiB of memory (cluster in params.yaml)"


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    versions = {"Python": python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    return versions


@ray.remote(num_cpus=0)
def trouble_of_node(versions: dict[str, str], mark: str) -> list[str]:
    """List what keeps this node from running steps: other versions than wanted, a remote out of reach."""
    here = versions_of(PACKAGES)
    trouble = [f"{name} {here[name]} instead of {wanted}" for name, wanted in versions.items() if here[name] != wanted]
    try:
        with workspace() as folder, Repo(str(folder)) as repo, probe(repo, ray.get_runtime_context().get_node_id()):
            remote = repo.cloud.get_remote_odb()
            if not remote.fs.exists(remote.fs.join(remote.path, mark)):
                trouble.append(f"{remote.path} is not the DVC remote that the caller writes to")
    except UserError as error:
        trouble.append(str(error))
    return trouble


@contextmanager
def probe(repo: Repo, name: str) -> Iterator[str]:
    """Write an empty file to the default DVC remote, give its name, and delete it at the end."""
    try:
        remote = repo.cloud.get_remote_odb()
        path = remote.fs.join(remote.path, f"{PROBE}{name}")
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


@contextmanager
def workspace(lock: str = "", overrides: Iterable[str] = ()) -> Iterator[Path]:
    """Lay out the project in a folder of its own on this node, with a DVC cache of its own, for as long as it is used.

    It is within what Ray unpacked there, and goes at the latest when Ray clears that away.

    Args:
        lock: the content of ``dvc.lock``.
        overrides: changes of parameters, as ``dvc exp run --set-param`` takes them.
    """
    shipped = Path(__file__).parents[2]
    scratch = shipped / ".dvc/tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary, "project")
        copytree(shipped, folder, ignore=ignore_patterns("tmp"))
        (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
        if lock:
            (folder / "dvc.lock").write_text(lock, encoding="utf-8")
        if overrides:
            apply_overrides(folder / "params.yaml", list(overrides))
        yield folder


class NodeError(UserError):
    """A DVC command failed for a reason that may lie with the node: elsewhere, or later, it may not."""


class Running:
    """A DVC command under way, in a process of its own.

    If this process is killed, the command soon ends too: it cannot print what nobody reads.
    """

    def __init__(self, folder: Path, *arguments: str, echo: bool = True) -> None:
        # Steps find this Python first; Ray's own setting must not change what they compute.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
        environment.pop("OMP_NUM_THREADS", None)
        self.arguments = arguments
        self.echo = echo
        self.printed: deque[str] = deque(maxlen=100)
        self.process = Popen(  # noqa: S603
            [sys.executable, "-m", "dvc", *arguments],
            cwd=folder,
            env=environment,
            stdout=PIPE,
            stderr=STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout  # noqa: S101 (it is a pipe)
        with self.process.stdout as lines:
            for line in lines:
                self.printed.append(line.rstrip())
                if self.echo:
                    print(line, end="", flush=True)  # noqa: T201

    def wait(self) -> None:
        """Wait for its end.

        Raises:
            NodeError: It failed, and no step said why.
            UserError: A step failed, and said why; it would fail again.
        """
        self.reader.join()
        if self.process.wait():
            where = f"`dvc {' '.join(self.arguments)}` on {socket.gethostname()}"
            for line in self.printed:
                if line.startswith("error: "):
                    raise UserError(f"{where}: {line.removeprefix('error: ')}")
            said = [line.removeprefix("ERROR: ") for line in self.printed if line.startswith("ERROR: ")]
            raise NodeError(f"{where}: {said[0] if said else f'exit code {self.process.returncode}'}")

    def kill(self) -> None:
        """End it and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()


def dvc(folder: Path, *arguments: str) -> None:
    """Run a DVC command from beginning to end, and print what it prints; errors are those of :meth:`Running.wait`."""
    running = Running(folder, *arguments)
    try:
        running.wait()
    finally:
        running.kill()
