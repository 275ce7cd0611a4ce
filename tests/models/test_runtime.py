import os
import subprocess
import sys
from contextlib import suppress

import pytest

from stages.models.runtime import start_up_messages_filtered
from tests.conftest import PROJECT


def test_tensorflow_starts_in_silence() -> None:
    code = "from stages.common.backend import tf; tf.zeros(1) + 1"
    started = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert started.stdout + started.stderr == ""


def test_what_is_no_greeting_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with start_up_messages_filtered():
        os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on. You may see ...\nlibfoo: cannot open\n")
    assert capfd.readouterr().err == "libfoo: cannot open\n"


def test_what_was_said_before_a_failure_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress(ImportError), start_up_messages_filtered():
        os.write(2, b"libfoo: cannot open\n")
        raise ImportError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "libfoo: cannot open\nafterwards\n"
