"""Files of the user below ``data/`` survive a real `dvc repro`, which by default deletes outputs first."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import CNN_ALONE
from tests.project import lay_out, ran, run

pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".gitignore"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def check_is_refused(project: Path) -> None:
    before = contents(project / "data")
    output = run(project, "dvc", "repro", "--force", "download", check=False)
    assert [line for line in output.splitlines() if line.startswith("error: expected in data/raw only")], output
    assert "Traceback" not in output
    assert contents(project / "data") == before


def test_only_photos_of_a_previous_run_are_replaced(tmp_path: Path) -> None:
    project = lay_out(tmp_path / "project", CNN_ALONE)
    mine = project / "data/raw/cats/mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    check_is_refused(project)

    shutil.rmtree(project / "data/raw")
    assert ran(run(project, "dvc", "repro", "download")) == ["download"]
    drawn = contents(project / "data")
    shutil.rmtree(project / "data/labels")
    shutil.rmtree(project / "data/raw")
    (project / "data/fetched.json").unlink()
    run(project, "dvc", "checkout", "data/raw", "data/labels", "data/fetched.json")  # as `dvc pull` does
    assert ran(run(project, "dvc", "repro", "--force", "download")) == ["download"]
    assert contents(project / "data") == drawn

    (project / "data/raw/mine.jpg").write_bytes(b"mine")
    check_is_refused(project)
