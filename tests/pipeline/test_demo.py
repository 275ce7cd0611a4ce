"""`make demo` leaves the project around it as it is; CI checks the scores of the whole demo."""

import sys
from pathlib import Path

import pytest
import yaml

from tests.project import commit, lay_out, models_alone, run


@pytest.mark.slow
def test_the_demo_leaves_the_project_as_it_is(tmp_path: Path) -> None:
    """With uncommitted parameters and corrections, without a git identity, in a path with a space; then again."""
    folder = lay_out(tmp_path / "it's mine", models_alone("cnn"))
    overrides = yaml.safe_load((folder / "params.demo.yaml").read_text())
    overrides |= {"image_size": 48, "train": {"epochs": 1, "micro_batches": 1, "precision": "float32"}}
    (folder / "params.demo.yaml").write_text(yaml.safe_dump(overrides))
    (folder / "params.yaml").write_text((folder / "params.yaml").read_text().replace("epochs: 2", "epochs: 77"))
    (folder / "corrections.csv").write_text("path,label\ndata/raw/birds/1.jpg,birds\n")
    demo = folder / "commands/demo.py"
    demo.write_text(demo.read_text().replace("train=80, validation=150", "train=12, validation=10"))
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    (folder / ".venv/pipeline").touch()  # or make would install everything once more
    before = {name: (folder / name).read_bytes() for name in ("params.yaml", "corrections.csv")}
    status = run(folder, "git", "status", "--porcelain")

    first = run(folder, "make", "demo")
    assert "Running stage 'train@cnn'" in first
    assert "| cnn |" in first
    assert (folder / "demo/metrics/report.html").resolve().as_uri() in first
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert run(folder, "git", "status", "--porcelain") == status
    assert not (folder / "dvc.lock").exists()
    assert run(folder / "demo", "git", "status", "--porcelain") == ""
    demo_params = (folder / "demo/params.yaml").read_text()
    assert "epochs: 1" in demo_params, "the demo's own, whatever is not committed"

    (folder / "demo/notes.txt").write_text("mine")
    run(folder, "git", "checkout", "params.yaml")
    (folder / "params.yaml").write_text((folder / "params.yaml").read_text().replace("  cnn:", "  renamed:"))
    commit(folder)
    assert "| renamed |" in run(folder, "make", "demo"), "as for a pull request, after its base"
    assert (folder / "demo/notes.txt").read_text() == "mine"


def test_a_folder_that_is_not_a_demo_is_left_alone(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "project")
    (folder / "demo").mkdir()
    (folder / "demo/photo.jpg").write_text("mine")
    shown = run(folder, sys.executable, "-m", "commands.demo", check=False)
    assert "rename it" in shown
    assert (folder / "demo/photo.jpg").read_text() == "mine"
