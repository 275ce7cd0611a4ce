import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.common.program import UserError, run
from tests.conftest import CNN_ALONE, PROJECT, write_photos


def raising(error: BaseException) -> Callable[[], None]:
    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("expected this, received that"), "error: expected this, received that"),
        (KeyboardInterrupt(), "stopped: run the same command again to go on"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), OF_THE_MACHINE[0]),
        (PermissionError(errno.EACCES, "Permission denied", "data/raw"), f"{OF_THE_MACHINE[1]} to the step's files, "),
    ],
)
def test_what_a_user_can_cause_is_one_line(error: BaseException, line: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(raising(error))
    assert str(stopped.value.code).startswith(line)
    assert "\n" not in str(stopped.value.code)


def test_our_own_bugs_keep_their_traceback() -> None:
    for error in (ZeroDivisionError(), OSError(errno.ENOTDIR, "no folder")):
        with pytest.raises(type(error)):
            run(raising(error))


@pytest.mark.parametrize("step", ["split", "train"])
def test_a_step_asked_for_help_or_given_what_it_does_not_take_does_nothing(workspace: Path, step: str) -> None:
    for argument, code in [("--help", 0), ("--nonesuch", 2)]:
        finished = subprocess.run(
            [sys.executable, "-m", f"stages.{step}", argument],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == code
        assert f"usage: python -m stages.{step} " in finished.stdout + finished.stderr
    assert [path.name for path in workspace.iterdir()] == ["params.yaml"]


def test_a_full_disk_is_one_line_and_leaves_nothing(workspace: Path, set_params: Callable[..., None]) -> None:
    write_photos(workspace / "photos/cats", 2)
    (workspace / "photos/cats/large.jpg").write_bytes(bytes(100_000))
    set_params({"download.photos": "photos", **CNN_ALONE})
    finished = subprocess.run(
        [sys.executable, "-m", "stages.download"],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.strip().splitlines()[-1].startswith("error: expected room on the disk")
    assert "Traceback" not in finished.stderr
    assert not any((workspace / "data").iterdir())
