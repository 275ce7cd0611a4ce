"""Exit codes and one-line errors of steps and commands."""

import errno
import gc
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from unittest import mock

import pytest

from stages.common import cli
from stages.common.cli import BUG, MACHINE_FAILURE, MachineError, UserError, explain_unwritable, machine_problem, quoted
from tests.conftest import CNN_ALONE, PROJECT, SetParams, write_photos


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (UserError("expected this, received that"), "error: expected this, received that", 1),
        (OSError(errno.ENAMETOOLONG, "Too long", "a.jpg\n" * 50), "error: [Errno 36] Too long: ", 1),
        (IsADirectoryError(errno.EISDIR, "oops", "a"), "error: [Errno 21] oops: 'a': expected a file, received", 1),
        (FileExistsError(errno.EEXIST, "oops", "metrics"), "error: [Errno 17] oops: 'metrics': expected a folder", 1),
        (KeyboardInterrupt(), "stopped: run the same command again", 1),
        (MachineError("lost at a\u202e.jpg"), r"error: lost at a\u202e.jpg", MACHINE_FAILURE),
        (PermissionError(13, "Permission denied", "data/raw"), "error: no access to", MACHINE_FAILURE),
        (type("ResourceExhaustedError", (Exception,), {})("OOM"), "error: not enough memory or disk", MACHINE_FAILURE),
        (MemoryError(), "error: not enough memory for the step", MACHINE_FAILURE),
        (ZeroDivisionError("oops"), "Traceback", BUG),
        (OSError(errno.EINVAL, "oops"), "Traceback", BUG),
        (OSError(errno.EPIPE, "oops"), "Traceback", BUG),  # of a connection, and not of the output
    ],
)
def test_all_but_our_own_bugs_are_one_line_with_a_code(
    error: BaseException, line: str, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", mock.Mock())  # or Ctrl-C would end pytest without a word
    with pytest.raises(SystemExit) as ended:
        cli.run(mock.Mock(side_effect=error))
    message = ended.value.code if isinstance(ended.value.code, str) else None  # Python prints it, and exits with 1
    printed = message or capsys.readouterr().err
    assert (1 if message else ended.value.code) == code
    assert printed.startswith(line)
    assert (len(printed.splitlines()) > 1) == (code == BUG)


@pytest.mark.parametrize("package", ["stages", "commands"])
@pytest.mark.parametrize(
    ("failure", "line", "code"),
    [
        ("raise KeyboardInterrupt", "stopped: run the same command again", -signal.SIGINT),
        ("raise OSError(28, 'full')", "error: not enough disk space for the step's files", MACHINE_FAILURE),
        ("import a_new_dependency", "error: No module named 'a_new_dependency': run `make install`", 1),
        ("import {}.a_module_that_was_renamed", "Traceback", 1),
    ],
)
def test_what_ends_the_imports_is_one_line_but_for_bugs(package: str, failure: str, line: str, code: int) -> None:
    program = f"import {package}\n{failure.format(package)}"
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert ended.stderr.startswith(line)
    assert (len(ended.stderr.splitlines()) == 1) == (line != "Traceback")


def test_a_second_ctrl_c_during_the_exit_has_no_traceback() -> None:
    """As while Python waits for threads that read photos."""
    program = """
import signal, threading, time
from stages.common.cli import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # which the tests may run without, as a job in the background
threading.Thread(target=time.sleep, args=[60]).start()
run(lambda: signal.raise_signal(signal.SIGINT))"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        lines = [running.stderr.readline()]
        running.send_signal(signal.SIGINT)
        lines += running.stderr.readlines()
    assert lines == ["stopped: run the same command again (a training run resumes)\n"]
    assert running.returncode == -signal.SIGINT


@pytest.mark.parametrize("rows", [1, 100_000], ids=["at the end", "meanwhile"])
def test_output_that_nobody_reads_on_is_one_line(rows: int) -> None:
    program = f"from stages.common.cli import run\nrun(lambda: [print('row') for _ in range({rows})])"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        ended = subprocess.run(
            [sys.executable, "-c", program], cwd=PROJECT, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.stderr, ended.returncode) == ("", 1)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_step_needs_no_open_streams(closed: str) -> None:
    """Nor does a file that it opens take the place of one, into which native code might write."""
    program = """
import os, sys
from stages.common.cli import run
from tqdm import tqdm
run(lambda: [sys.stdout.write("row") for _ in tqdm(range(2))])
sys.exit(os.open("stages", os.O_RDONLY) < 3)"""
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, program]
    assert subprocess.run(command, cwd=PROJECT, capture_output=True, check=False).returncode == 0


def test_help_wraps_paragraphs_and_keeps_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    example = f"    python -m {'x' * 60}"
    text = cli.command_parser(f"{'word ' * 20}\n{'word ' * 20}\n\n{example}\n").format_help()
    assert example in text.splitlines()
    widths = [len(line) for line in text.splitlines() if line.startswith("word")]
    assert len(widths) == 5
    assert max(widths) <= 50


def test_what_imports_created_is_not_scanned_again() -> None:
    """Which would take a fifth of the CPU time of a command, most of it at its exit."""
    frozen: list[int] = []
    gc.unfreeze()
    cli.run(lambda: frozen.append(gc.get_freeze_count()))
    assert frozen[0] > 10_000


def test_of_libraries_only_warnings_are_logged() -> None:
    """As of botocore, with photos on S3."""
    program = """
import logging
from stages.common.cli import logger, run
def main():
    logging.getLogger("botocore.credentials").info("Found credentials")
    logging.getLogger("botocore.credentials").warning("no credentials")
    logger.info("done")
run(main)"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ended.stderr.splitlines() == ["no credentials", "done"]


def test_output_is_utf_8_in_any_locale() -> None:
    program = "from stages.common.cli import run; run(lambda: print('猫'))"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, check=True
    )
    assert ended.stdout.decode() == "猫\n"


def test_a_name_cannot_change_what_is_around_it() -> None:
    """By direction marks, or by codes that move a terminal's cursor; lines end where the program ends them."""
    program = """
from stages.common.cli import UserError, logger, run
def main():
    logger.info("a: first\\n%s: is text", "b\\u202egpj\\r\\x1b[1A.exe")
    raise UserError("b\\u202egpj\\nand c")
run(main)"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)
    logged = ["a: first", r"b\u202egpj\r\x1b[1A.exe: is text"]
    assert ended.stderr.splitlines() == [*logged, r"error: b\u202egpj", "and c"]


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (errno.ENOSPC, r"not enough disk space .*\(\[Errno 28\] oops\)"),
        *((code, "the step's files cannot be read") for code in (errno.EIO, errno.ENOTCONN, errno.ENODEV)),
        (errno.ETIMEDOUT, "the step's files cannot be read or written"),
        (errno.ENOMEM, "not enough memory for the step"),
    ],
)
def test_a_failing_disk_or_mount_blames_no_option(code: int, line: str) -> None:
    error = OSError(code, "oops")
    assert re.match(line, machine_problem(error) or "")
    with pytest.raises(OSError, match="oops"), explain_unwritable(Path("a.csv"), "--output"):
        raise error


def test_no_folder_for_temporary_files_is_a_machine_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the disk is full to the last byte."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    with pytest.raises(FileNotFoundError) as raised:
        tempfile.gettempdir()
    assert (machine_problem(raised.value) or "").startswith("No usable temporary directory")


def test_a_machine_without_more_threads_is_one_line() -> None:
    before = threading.stack_size(2**46)  # in bytes, which none can have
    try:
        with pytest.raises(RuntimeError) as raised:
            threading.Thread().start()
    finally:
        threading.stack_size(before)
    assert (machine_problem(raised.value) or "").startswith("no more threads for the step")


def test_an_unwritable_path_is_one_line() -> None:
    """TensorFlow's error of a SavedModel in a folder with brackets has two."""
    with pytest.raises(UserError, match=r"^cannot write \[a\] \(first\): choose"), explain_unwritable(Path("[a]"), "x"):
        raise OSError("first\nsecond")


@pytest.mark.parametrize(
    ("step", "arguments", "mistake"),
    [
        ("stages.split", ["--nonesuch"], "unrecognized arguments: --nonesuch"),
        ("stages.train", ["cnn", "linear"], "unrecognized arguments: linear"),
        ("commands.pull_request", [], "the following arguments are required: BASE"),
        ("commands.review", ["--port", "http"], "argument --port: invalid int value: 'http'"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # where another test has imported it
def test_a_mistake_in_the_options_is_one_line(
    monkeypatch: pytest.MonkeyPatch, step: str, arguments: list[str], mistake: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["…", *arguments])
    with pytest.raises(SystemExit, match=f"^error: {mistake}: see `python -m {step} --help`$"):
        runpy.run_module(step, run_name="__main__", alter_sys=True)


def test_of_many_names_the_first_are_quoted() -> None:
    assert (quoted(["a", "b"], 2), quoted(["a", "b", "c"], 2)) == ("'a', 'b'", "'a', 'b' and 1 more")


def test_a_full_disk_is_one_line_and_leaves_nothing(workspace: Path, set_params: SetParams) -> None:
    write_photos(workspace / "photos/cats", 2)
    (workspace / "photos/cats/large.jpg").write_bytes(bytes(100_000))
    set_params({"download.photos": "photos", **CNN_ALONE})
    command = ["sh", "-c", 'ulimit -f 100; exec "$0" -m stages.download', sys.executable]  # blocks of 512 bytes
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == MACHINE_FAILURE
    assert finished.stderr.strip().splitlines()[-1].startswith("error: not enough disk space")
    assert "Traceback" not in finished.stderr
    assert not any((workspace / "data").iterdir())
