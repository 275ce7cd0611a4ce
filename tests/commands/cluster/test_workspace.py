"""Why a DVC command failed on a node."""

import json
from pathlib import Path

import pytest

from commands.cluster.workspace import dvc
from stages.common.cli import UserError
from tests.project import run


@pytest.mark.parametrize(
    ("command", "step", "reason"),
    [
        ("echo 'error: expected this, received that'; exit 1", "step", "expected this, received that"),
        ("kill -9 $$", "step", "failed to reproduce 'step': failed to run: kill -9"),
        ("true", "nonesuch", "Stage 'nonesuch' not found"),
    ],
)
def test_a_failed_step_says_where_and_why(tmp_path: Path, command: str, step: str, reason: str) -> None:
    run(tmp_path, "dvc", "init", "--no-scm")
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": {"step": {"cmd": command}}}))
    with pytest.raises(UserError, match=f"^`dvc repro {step}` on [^:]+: .*{reason}"):
        dvc("repro", step, folder=tmp_path)
