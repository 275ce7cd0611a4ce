"""DVC commands in a copy of the project on a node of a cluster.

Ray carries the project's files to a node, DVC's remote the data. There a step runs in a folder of its own: it pulls
its inputs, and pushes its outputs together with DVC's run cache, from which a `dvc repro --pull` anywhere takes them
instead of running the step.
"""

import os
import re
import socket
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, ignore_patterns
from subprocess import PIPE, STDOUT, Popen
from tempfile import TemporaryDirectory

from dvc.utils.hydra import apply_overrides

from stages.common.cli import UserError

# DVC's own exit code says only that it failed; a step's is at the end of the line that says which step did.
STEP_FAILED = re.compile(r"ERROR: failed to reproduce .*, exited with (-?\d+)")


class NodeError(UserError):
    """A DVC command failed for a reason that may lie with the node: elsewhere, or later, it may succeed."""


@contextmanager
def workspace(lock: str, overrides: Sequence[str] = ()) -> Iterator[Path]:
    """Copy the project to a temporary folder on this node, with a DVC cache of its own.

    It is inside the folder to which Ray unpacked the project, and is deleted with it at the latest. ``lock`` is the
    content of ``dvc.lock``, ``overrides`` change parameters, as ``dvc exp run -S`` does.
    """
    project = Path(__file__).parents[2]
    scratch = project / ".dvc/tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary, "project")
        copytree(project, folder, ignore=ignore_patterns("tmp"))
        (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
        (folder / "dvc.lock").write_text(lock, encoding="utf-8")
        if overrides:
            apply_overrides(folder / "params.yaml", list(overrides))
        yield folder


def reproduce(folder: Path, *steps: str) -> None:
    """Run steps in a workspace, from the remote's data to the remote."""
    dvc("repro", "--pull", "--single-item", *steps, folder=folder)
    dvc("push", "--run-cache", *steps, folder=folder)


def dvc(*arguments: str, folder: Path = Path()) -> None:
    """Run a DVC command, and print its output; if the caller is killed it soon ends too, as nobody reads the output.

    Raises:
        UserError: A step failed by a mistake of the user's, and would fail again.
        NodeError: A step failed in any other way (full disk, no access, killed), or DVC itself did.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # steps find this Python first
    env = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
    last_lines: deque[str] = deque(maxlen=100)
    command = [sys.executable, "-m", "dvc", *arguments]
    with Popen(command, cwd=folder, env=env, stdout=PIPE, stderr=STDOUT, text=True) as process:  # noqa: S603
        for line in process.stdout or ():
            print(line, end="", flush=True)  # noqa: T201
            last_lines.append(line.rstrip())
    if process.returncode == 0:
        return
    # A step says in a line of its own why it failed, before DVC says that it did.
    reasons = (line for line in last_lines if line.startswith(("error: ", "ERROR: ")))
    reason = next(reasons, f"error: exit code {process.returncode}").partition(": ")[2]
    exit_codes = [match[1] for line in last_lines if (match := STEP_FAILED.fullmatch(line))]
    error_type = UserError if exit_codes[-1:] == ["1"] else NodeError
    raise error_type(f"`dvc {' '.join(arguments)}` on {socket.gethostname()}: {reason}")
