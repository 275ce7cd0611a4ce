"""Run DVC's commands in a copy of the project on a node of a cluster.

Ray carries the project's files to a node, DVC's remote the data. There a step runs in a folder of its own: it pulls
what it reads, and pushes what it wrote together with DVC's run cache, from which a `dvc repro --pull` anywhere takes
the step's outputs instead of running it.
"""

import os
import re
import socket
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, ignore_patterns
from subprocess import PIPE, STDOUT, Popen
from tempfile import TemporaryDirectory
from threading import Thread

from dvc.utils.hydra import apply_overrides

from stages.common.program import UserError


@contextmanager
def workspace(lock: str = "", overrides: Iterable[str] = ()) -> Iterator[Path]:
    """Lay out the project in a folder of its own on this node, with a DVC cache of its own, for as long as it is used.

    It is within what Ray unpacked there, and goes at the latest when Ray clears that away.

    Args:
        lock: the content of ``dvc.lock``.
        overrides: changes of parameters, as ``dvc exp run --set-param`` takes them.
    """
    shipped = Path(__file__).parents[2]
    temporary_file = shipped / ".dvc/tmp"
    temporary_file.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=temporary_file, ignore_cleanup_errors=True) as temporary:
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


class DvcProcess:
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
        with self.process:  # closes the pipe
            for line in self.process.stdout or ():
                self.printed.append(line.rstrip())
                if self.echo:
                    print(line, end="", flush=True)  # noqa: T201

    def wait(self) -> None:
        """Wait for its end.

        Raises:
            NodeError: It failed, and no step said why, or one for a reason that lies with this machine.
            UserError: A step failed, and said why; it would fail again.
        """
        self.reader.join()
        code = self.process.wait()
        if code == 0:
            return
        # A step's own line comes before DVC's, which only says that the step failed, and with which exit code.
        said = (line for line in self.printed if line.startswith(("error: ", "ERROR: ")))
        reason = next(said, f"exit code {code}")
        step_codes = re.findall(r"exited with (-?\d+)", "\n".join(self.printed))
        by_the_step = step_codes == ["1"]
        where = f"`dvc {' '.join(self.arguments)}` on {socket.gethostname()}"
        raise (UserError if by_the_step else NodeError)(f"{where}: {reason.partition(': ')[2] or reason}")

    def kill(self) -> None:
        """End it and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()


def dvc(folder: Path, *arguments: str) -> None:
    """Run a DVC command from beginning to end, and print what it prints; errors are those of :meth:`Running.wait`."""
    running = DvcProcess(folder, *arguments)
    try:
        running.wait()
    finally:
        running.kill()
