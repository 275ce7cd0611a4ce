"""Files of the user below ``data/`` survive a real `dvc repro`, which by default deletes outputs first."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CNN_ALONE, edit_params, packed_files
from tests.project import lay_out, ran, run

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project before its first run, with a backbone that no model needs."""
    small: dict[str, Any] = {"architecture": "MobileNetV2", "weights": "w.h5", "sha256": None, "options": {}}
    changes = {key: value for key, value in CNN_ALONE.items() if key != "backbones"}
    folder = lay_out(tmp_path / "project", changes)
    edit_params(folder / "params.yaml", {"backbones": {"small": small}})
    (folder / "w.h5").write_bytes(b"weights")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".gitignore"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def check_is_refused(project: Path, key: str, *command: str) -> None:
    before = contents(project / "data")
    output = run(project, *command, check=False)
    assert [line for line in output.splitlines() if line.startswith(f"error: {key}")], output
    assert "Traceback" not in output
    assert contents(project / "data") == before


def test_sources_where_the_steps_write_are_refused(project: Path) -> None:
    labels, weights = project / "data/labels/labels.csv", project / "data/backbone/small/w.h5"
    for path, content in ((labels, "path,label\n"), (weights, "weights")):
        path.parent.mkdir(parents=True)
        path.write_text(content)
    edit_params(project / "params.yaml", {"download.labels": "data/labels/labels.csv"})
    check_is_refused(project, "expected in data/labels only", "dvc", "repro", "download")
    edit_params(project / "params.yaml", {"backbones.small.weights": "data/backbone/small/w.h5"})
    check_is_refused(project, "expected in data/backbone/small only", "dvc", "repro", "--force", "backbone")


def test_only_photos_of_a_previous_run_are_replaced(project: Path) -> None:
    photos = project / "data/raw/cats/mine.jpg"
    photos.parent.mkdir(parents=True)
    photos.write_bytes(b"mine")
    check_is_refused(project, "expected in data/raw only", "dvc", "repro", "--force", "download")

    (project / "data/raw").rename(project / "data/incoming")
    edit_params(project / "params.yaml", {"download.photos": "data/incoming"})
    assert ran(run(project, "dvc", "repro", "download")) == ["download"]
    assert packed_files(project / "data/raw") == contents(project / "data/incoming") == {"cats/mine.jpg": b"mine"}
    edit_params(project / "params.yaml", {"download.photos": "data/sample.zip"})
    assert ran(run(project, "dvc", "repro", "download")) == ["download"]
    drawn = contents(project / "data")
    shutil.rmtree(project / "data/labels")
    shutil.rmtree(project / "data/raw")
    (project / "data/fetched.json").unlink()
    run(project, "dvc", "checkout", "data/raw", "data/labels", "data/fetched.json")  # as `dvc pull` does
    assert ran(run(project, "dvc", "repro", "--force", "download")) == ["download"]
    assert contents(project / "data") == drawn

    (project / "data/raw/mine.jpg").write_bytes(b"mine")
    check_is_refused(project, "expected in data/raw only", "dvc", "repro", "download")


def test_a_data_folder_on_another_disk_is_refused(project: Path) -> None:
    (project.parent / "another disk").mkdir()
    (project / "data/backbone").symlink_to(project.parent / "another disk")
    output = run(project, "dvc", "repro", "backbone", check=False)
    assert re.search(r"^ERROR: .*data/backbone/small' is outside of git repository", output, re.MULTILINE)
