"""The steps one after another in this process, on noise of 16 pixels."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages import evaluate, pixels, train
from stages.common.cli import UserError
from stages.evaluation import gradcam
from stages.inference import prediction
from stages.inference.prediction import load_model
from stages.photos.decode import resized_pixels
from tests.conftest import PHOTOS, PROJECT, TINY_CNN, edit_params, read_json, run_main, write_photos
from tests.test_split import split_photos

# The best is evaluated before another.
MODELS = {"second": {**TINY_CNN, "epochs": 3, "rescale": "minus_one_to_one"}, "first": TINY_CNN}
CLASSES = ["cats", "dogs", "foxes"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder after a run with two models; the largest class of training is the smallest of the others."""
    folder = tmp_path_factory.mktemp("steps")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("params.yaml").write_text((PROJECT / "params.yaml").read_text())
        settings = {"batch_size": 4, "epochs": 2, "precision": "float32", "runs": 2}
        changes = {f"train.{name}": value for name, value in settings.items()}
        edit_params(Path("params.yaml"), {**changes, "image_size": 16, "models": MODELS})
        for label, train_count, validation_count in zip(CLASSES, (9, 6, 6), (10, 15, 15), strict=True):
            write_photos(PHOTOS / "train" / label, train_count)
            write_photos(PHOTOS / "validation" / label, validation_count, first=20)
        split_photos()
        pixels.main()
        for name in MODELS:
            run_main(train, name)
        evaluate.main()
        yield folder


@pytest.mark.usefixtures("results")
def test_models_are_scored_on_test_and_ranked_on_validation() -> None:
    scores = {name: read_json(f"metrics/models/{name}.json") for name in MODELS}
    for name in MODELS:
        assert scores[name]["test"]["accuracy"] == pytest.approx(accuracy(name, "test"))
        of_majority = scores[name]["test"]["accuracy"] - scores[name]["test"]["gain_over_baseline"]
        assert of_majority == pytest.approx(2 / 8), "of the training photos, cats"
        assert [row["label"] for row in scores[name]["classes"]] == CLASSES
        assert scores[name]["environment"] == read_json(f"data/models/{name}.json")["environment"]
        assert scores[name]["environment"][-1] == "precision float32, set by train.precision"
        [repeat] = scores[name]["repeats"]
        assert repeat["seed"] == 1
        assert repeat["test"]["accuracy"] == pytest.approx(accuracy(f"{name}.1", "test", Path("data/repeats", name)))
        confusion = pd.read_csv(f"plots/confusion/{name}.csv")
        assert list(confusion["actual"]) == list(pd.read_csv("data/splits/test.csv")["label"])
        assert (confusion["actual"] == confusion["predicted"]).mean() == scores[name]["test"]["accuracy"]
        for figure in ("accuracy", "mistakes"):
            assert Path(f"plots/{figure}/{name}.png").exists()
        times = rf"\| {name} \| [01]\.\d+ \| *\| \d+\.\d \| \d+\.\d \| \d+\.\d \|"  # without one of features
        assert re.search(times, Path("metrics/costs.md").read_text())
    ranks = {name: (-of["validation"]["accuracy"], of["validation"]["loss"]) for name, of in scores.items()}
    best = read_json("metrics/best.json")
    assert best["model"] == min(MODELS, key=lambda name: ranks[name])
    splits = ("train", "validation", "test")
    assert {split: best[split] for split in splits} == {split: scores[best["model"]][split] for split in splits}
    assert f"`{best['model']}`, the best on validation" in Path("metrics/report.md").read_text()
    for curves in ("curves", "roc"):
        assert set(pd.read_csv(f"plots/{curves}.csv")["model"]) == set(MODELS)
    assert not list(Path("data/backups").iterdir()), "backups are of unfinished training runs"


@pytest.mark.usefixtures("results")
def test_cached_predictions_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is loaded."""
    before = written_by_evaluate()
    cached = {Path(f"data/predictions/{name}{seed}.npz") for name in MODELS for seed in ("", ".1")}
    assert cached < before.keys()
    for path in before:
        if path.parts[0] != "data":
            path.unlink()
    for module in (prediction, gradcam):
        monkeypatch.setattr(module, "load_model", None)
    evaluate.main()
    assert written_by_evaluate() == before


def test_the_score_of_rank_by_chooses_the_best(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its logits on validation the first model is perfect, by the accuracies of its history always wrong."""
    monkeypatch.chdir(shutil.copytree(results, tmp_path / "results"))
    with np.load("data/models/first.npz") as arrays:
        np.savez("data/models/first.npz", logits=np.eye(3)[arrays["labels"]], labels=arrays["labels"])
    history = [{**record, "val_accuracy": 0.0} for record in read_json("plots/history/first.json")]
    Path("plots/history/first.json").write_text(json.dumps(history))
    for score, best in {"accuracy": "second", "macro_f1": "first"}.items():
        edit_params(Path("params.yaml"), {"evaluate.rank_by": score})
        evaluate.main()
        assert read_json("metrics/best.json")["model"] == best
    assert "| validation macro F1 |" in Path("metrics/report.md").read_text()
    edit_params(Path("params.yaml"), {"models": {"first": TINY_CNN}})
    leftovers = " ".join(f"data/models/second.{suffix}" for suffix in ("json", "keras", "npz"))
    with pytest.raises(UserError, match=f"move or delete {leftovers} data/repeats/second plots/history/second.json$"):
        evaluate.main()


def written_by_evaluate() -> dict[Path, bytes]:
    found = [path for folder in ("data/predictions", "metrics", "plots") for path in Path(folder).rglob("*.*")]
    return {path: path.read_bytes() for path in found if path.parent.name != "history"}


def accuracy(name: str, listed: str, folder: Path = Path("data/models")) -> float:
    photos = pd.read_csv(f"data/splits/{listed}.csv")
    pixels = np.stack([resized_pixels(path, (16, 16)) for path in photos["path"]])
    classes = np.argmax(load_model(folder / f"{name}.keras")(pixels), axis=1)
    return float((np.take(CLASSES, classes) == photos["label"]).mean())
