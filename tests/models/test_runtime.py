import gc
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from stages.datasets.augmentation import rng
from stages.models.runtime import imports_lightened, start_up_messages_filtered
from tests.conftest import PROJECT


@pytest.mark.slow
def test_tensorflow_starts_in_silence() -> None:
    code = "from stages.models.runtime import tf; tf.zeros(1) + 1"
    started = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert started.stdout + started.stderr == ""


def test_a_refused_import_fails_and_works_again_later() -> None:
    """As does garbage collection after it."""
    with suppress(ImportError), imports_lightened(["antigravity", "os"]):
        import os as still_there  # noqa: F401  # imported before

        assert not gc.isenabled()
        import antigravity  # noqa: F401

        pytest.fail("it was imported")
    assert "antigravity" not in sys.modules
    assert gc.isenabled()


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


def test_a_crash_in_the_import_of_tensorflow_is_seen(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("import os; os.abort()")
    code = "import stages.models.runtime"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PROJECT}"}
    crashed = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert crashed.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in crashed.stderr
    assert "runtime.py" in crashed.stderr


def test_random_streams_differ_by_seed_purpose_and_epoch() -> None:
    draws = [
        rng(seed, purpose, epoch).random() for seed in (0, 1) for purpose in ("shuffle", "augment") for epoch in (0, 1)
    ]
    assert len(set(draws)) == 8
    assert rng(1, "augment", 1).random() == draws[-1]
