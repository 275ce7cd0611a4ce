import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from stages.models.runtime import start_up_messages_filtered
from tests.conftest import PROJECT


def test_tensorflow_starts_in_silence() -> None:
    code = "from stages.models.runtime import tf; tf.zeros(1) + 1"
    started = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert started.stdout + started.stderr == ""


def test_other_messages_are_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with start_up_messages_filtered():
        os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on. You may see ...\nlibfoo: cannot open\n")
    assert capfd.readouterr().err == "libfoo: cannot open\n"


def test_what_is_written_before_a_failure_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress(ImportError), start_up_messages_filtered():
        os.write(2, b"libfoo: cannot open\n")
        raise ImportError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "libfoo: cannot open\nafterwards\n"


def test_a_crash_while_messages_are_held_back_is_seen() -> None:
    code = """
import os
from stages.models.runtime import start_up_messages_filtered
with start_up_messages_filtered():
    os.abort()
"""
    crashed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert crashed.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in crashed.stderr
    assert "in <module>" in crashed.stderr
