"""Parameters, corrections and code that are edited while a stage runs."""

import re
import shutil
from contextlib import nullcontext
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from stages.common import cli, edits
from tests.conftest import PROJECT, SetParams


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "UNDONE_IN", 0)


@pytest.mark.parametrize(
    ("stage", "edit", "refused"),
    [
        ("train@cnn", {"models.cnn.dropout": 0.1, "models.cnn.filters": None}, "models.cnn"),
        ("train@cnn", {"models.linear.learning_rate": 0.1, "split.test_every": 7}, ""),
        ("sub/dvc.yaml:pixels", {"image_size": 99}, "image_size"),
        ("thumbnails", {"split": {}}, r"split\.max_megapixels"),
        ("split", {"seed": 1}, r"seed, corrections\.csv"),
        ("label_stats", {}, ""),
        ("of_the_user", {"seed": 1}, ""),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_a_stage_whose_inputs_are_edited_meanwhile_fails(
    set_params: SetParams,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    edit: dict[str, Any],
    refused: str,
) -> None:
    """DVC would record the new ones, and call the results of the old ones up to date."""
    declared = (PROJECT / "dvc.yaml").read_text()
    Path("dvc.yaml").write_text(re.sub(r"( +- )image_fit\n", r"\g<0>\1other.yaml: [key]\n", declared))
    monkeypatch.setenv("DVC_STAGE", stage)

    def main() -> None:
        set_params(edit)
        Path("corrections.csv").write_text("path,label\n")

    message = f"^error: {refused}: edited while {stage} ran: run"
    with pytest.raises(SystemExit, match=message) if refused else nullcontext():
        cli.run(main)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("file", "refused"),
    [
        ("stages/training/loop.py", True),
        ("stages/training/new.py", True),
        ("stages/train.py", True),
        ("stages/evaluation/plots.py", False),
        ("stages/training/.loop.py.swp", False),  # of an editor that shows the file
        ("stages/training/__pycache__/loop.cpython-311.pyc", False),
    ],
)
def test_a_stage_whose_code_is_edited_meanwhile_fails(
    monkeypatch: pytest.MonkeyPatch, file: str, refused: bool
) -> None:
    shutil.copy(PROJECT / "dvc.yaml", ".")
    for folder in ("stages/evaluation", "stages/training/__pycache__"):
        Path(folder).mkdir(parents=True)
    Path("stages/training/loop.py").touch()
    monkeypatch.setenv("DVC_STAGE", "train@cnn")

    def main() -> None:
        Path(file).write_text("# edited")

    message = r"^error: stages/train(ing|\.py): edited while train@cnn ran"
    with pytest.raises(SystemExit, match=message) if refused else nullcontext():
        cli.run(main)


@pytest.mark.usefixtures("workspace")
def test_parameters_that_break_while_a_stage_runs_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(PROJECT / "dvc.yaml", ".")
    monkeypatch.setenv("DVC_STAGE", "pixels")

    def main() -> None:
        Path("params.yaml").write_text("image_size: 2026-13-01")

    with pytest.raises(SystemExit, match=r"^error: params\.yaml: expected YAML: month must be in"):
        cli.run(main)


@pytest.mark.parametrize("edited", ["image_size: 99", "image_size: [9", None])
def test_an_edit_that_is_undone_at_once_is_none(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, edited: str | None
) -> None:
    """As `dvc exp run --queue` makes them while another stage runs; meanwhile the file may be cut short, or absent."""
    monkeypatch.setattr(edits, "UNDONE_IN", 60)
    shutil.copy(PROJECT / "dvc.yaml", ".")
    monkeypatch.setenv("DVC_STAGE", "pixels")
    params = workspace / "params.yaml"
    content = params.read_text()

    def main() -> None:
        if edited:
            params.write_text(edited)
        else:
            params.unlink()
        Timer(0.3, params.write_text, [content]).start()

    cli.run(main)
