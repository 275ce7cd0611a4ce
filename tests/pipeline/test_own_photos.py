"""Own photos by the README's commands."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from commands import predict
from commands.sample.photo_archive import draw_jpeg, list_images
from tests.conftest import CNN_ALONE, read_json, run_main
from tests.project import colours_in, lay_out, run

pytestmark = pytest.mark.slow

CLASSES = ["cats", "dogs", "foxes"]


def test_a_folder_per_class_is_one_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three classes, without a backbone, in half precision, in a path with a space."""
    project = lay_out(tmp_path / "project", {**CNN_ALONE, "train.epochs": 1, "train.precision": "mixed_bfloat16"})
    folder = tmp_path / "my photos"
    for drawing in list_images(CLASSES, train=14, validation=10, seed=0):
        path = folder / drawing.species / Path(drawing.path).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw_jpeg(drawing))
    run(project, "dvc", "exp", "run", "--set-param", f"download.photos='{folder}'")

    lists = [pd.read_csv(project / f"data/splits/{split}.csv") for split in ("train", "validation", "test")]
    assert sum(map(len, lists)) == 72
    assert all(sorted(set(photos["label"])) == CLASSES for photos in lists)
    scores = read_json(project / "metrics/models/cnn.json")
    assert [row["label"] for row in scores["classes"]] == CLASSES
    assert "precision mixed_bfloat16, set by train.precision" in scores["environment"]
    assert "| foxes |" in (project / "metrics/report.md").read_text()
    assert len(colours_in(project / "plots/gradcam.png")) > 3000  # text alone has hundreds

    shutil.copy(folder / Path(lists[2]["path"][0]).relative_to("data/raw"), project / "new.jpg")
    monkeypatch.chdir(project)
    run_main(predict, "new.jpg", "--format", "csv")
    assert "path,class,probability,probability_cats,probability_dogs,probability_foxes" in capsys.readouterr().out
