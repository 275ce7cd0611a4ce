"""Own photos: three classes, as a folder and as an archive, without a backbone, by the README's commands."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from commands import predict
from commands.sample.photo_archive import write_archive
from stages.data.archive import unpack
from tests.conftest import CNN_ALONE, edit_params
from tests.project import colours_in, lay_out, run

pytestmark = pytest.mark.slow

CLASSES = ["cats", "dogs", "foxes"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic images of three classes, 24 each, in train and validation folders."""
    path = tmp_path_factory.mktemp("archive") / "my photos.zip"
    write_archive(path, CLASSES, train=14, validation=10)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project without a backbone, in half precision, before its first run."""
    return lay_out(tmp_path / "project", {**CNN_ALONE, "train.epochs": 1, "train.precision": "mixed_bfloat16"})


def check_lists(project: Path) -> list[pd.DataFrame]:
    lists = [pd.read_csv(project / f"data/splits/{split}.csv") for split in ("train", "validation", "test")]
    assert sum(map(len, lists)) == 72
    assert all(sorted(set(photos["label"])) == CLASSES for photos in lists)
    return lists


def test_a_folder_per_class_is_one_experiment(
    archive: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack(archive, tmp_path / "unpacked")
    folder = tmp_path / "my photos"
    for path in sorted((tmp_path / "unpacked").rglob("*.jpg")):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.parent.name / path.name)
    run(project, "dvc", "exp", "run", "--set-param", f"download.photos='{folder}'")

    lists = check_lists(project)
    scores = json.loads((project / "metrics/models/cnn.json").read_text())
    assert [row["label"] for row in scores["classes"]] == CLASSES
    assert "precision mixed_bfloat16, as train.precision says" in scores["environment"]
    assert "| foxes |" in (project / "metrics/report.md").read_text()
    assert len(colours_in(project / "plots/gradcam.png")) > 3000  # text alone has hundreds

    shutil.copy(project / lists[2]["path"][0], project / "new.jpg")
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["predict", "new.jpg", "--format", "csv"])
    predict.main()
    assert "path,class,probability,probability_cats,probability_dogs,probability_foxes" in capsys.readouterr().out


def test_a_zip_with_train_and_validation_folders_is_split(archive: Path, project: Path) -> None:
    edit_params(project / "params.yaml", {"download.photos": str(archive)})
    run(project, "dvc", "repro", "split")
    assert [len(photos) for photos in check_lists(project)] == [42, 24, 6]
