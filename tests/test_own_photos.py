"""Someone's own photos: three classes, as a folder and as an archive, by the README's commands."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.intake.archive import unpack
from stages.sample.archive import write_archive
from tests.conftest import edit_params
from tests.project import commit, lay_out, run

pytestmark = pytest.mark.slow

CLASSES = ["cats", "dogs", "foxes"]


@pytest.fixture(params=["a folder per class", "a zip with train and validation"])
def photos(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Drawn photos of three classes, 24 each."""
    archive = tmp_path / "my photos.zip"
    write_archive(archive, CLASSES, train=14, validation=10)
    if request.param.startswith("a zip"):
        return archive
    unpack(archive, tmp_path / "unpacked")
    folder = tmp_path / "my photos"
    for path in sorted((tmp_path / "unpacked").rglob("*.jpg")):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.parent.name / path.name)
    return folder


def test_own_photos_come_to_a_result_in_one_experiment(photos: Path, tmp_path: Path) -> None:
    project = lay_out(tmp_path / "project")
    entries = yaml.safe_load((project / "params.yaml").read_text())["models"]
    edit_params(project / "params.yaml", {"models": {"transfer": entries["transfer"]}, "train.epochs": 1})
    commit(project)
    run(project, "dvc", "exp", "run", "--set-param", f"download.photos='{photos}'")

    lists = [pd.read_csv(project / f"data/splits/{split}.csv") for split in ("train", "validation", "test")]
    assert sum(map(len, lists)) == 72
    assert all(sorted(set(photos["label"])) == CLASSES for photos in lists)
    scores = json.loads((project / "metrics/models/transfer.json").read_text())
    assert [row["label"] for row in scores["classes"]] == CLASSES
    assert "| foxes |" in (project / "metrics/report.md").read_text()

    shutil.copy(project / lists[2]["path"][0], project / "new.jpg")
    named = run(project, "python", "-m", "stages.predict", "new.jpg", "--format", "csv")
    assert "path,class,probability,probability_cats,probability_dogs,probability_foxes" in named
