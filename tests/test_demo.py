"""What `make demo` shows: with its photos and parameters, a model learns more than to guess the larger class."""

import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages import backbone, download, features, split, train
from stages.common.params import demo_backbones, load_params
from stages.common.paths import MODELS
from stages.evaluate import evaluate
from stages.evaluation import results
from stages.inference.confidence import Confidence
from stages.inference.model import load_model, predict_logits
from stages.photos.lists import class_names, majority_class_accuracy, read_split
from stages.photos.loading import load_photos
from stages.predict.model_file import fetch_model_file
from stages.predict.predictor import predict
from stages.sample.archive import draw_jpeg, list_pictures, write_archive
from stages.sample.species import SPECIES
from tests.conftest import PROJECT

REASONS = ("unsure", "unlike the training photos")


@pytest.mark.slow
def test_the_demo_s_best_recipe_beats_the_baseline_on_validation_and_test(
    workspace: Path, set_params: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its five models, on half of its validation and test photos; CI checks the whole demo."""
    changed = re.findall(r"--set-param '?([\w.]+)=([^$\s']+)", (PROJECT / "Makefile").read_text())
    set_params({name: yaml.safe_load(value) for name, value in changed})
    params = yaml.safe_load(Path("params.yaml").read_text())
    assert (params["train"]["epochs"], params["image_size"]) == (10, [96, 96])
    assert "\nSAMPLE = data/sample.zip\n" in (PROJECT / "Makefile").read_text()
    set_params({"models": {"transfer": params["models"]["transfer"]}})
    assert demo_backbones(load_params()) == ["mobilenet_v2"]
    set_params({"download.photos": "data/sample.zip"})
    assert demo_backbones(load_params()) == []
    write_archive(Path("data/sample.zip"), ["cats", "dogs"], train=80, validation=75)
    shutil.copy(PROJECT / params["backbones"]["mobilenet_v2"]["weights"], "data")
    monkeypatch.setattr(sys, "argv", ["…"])
    steps = {"download": download, "backbone@mobilenet_v2": backbone, "split": split}
    for name, step in {**steps, "features@mobilenet_v2": features, "train@transfer": train}.items():
        monkeypatch.setenv("DVC_STAGE", name)
        step.main()

    photos = read_split("test")
    classes = class_names(photos["label"])
    baseline = majority_class_accuracy(read_split("train"), photos)
    pixels = load_photos(photos, classes, load_params().image_size)
    test = results.TestSet(photos, classes, *pixels, baseline)
    logits = predict_logits(load_model(MODELS / "transfer.keras"), test.pixels)
    scores = evaluate(MODELS / "transfer.keras", logits, Confidence(), test).scores
    assert scores["test"]["accuracy_low"] > baseline == 0.5, "beyond its confidence interval"
    assert scores["validation"]["accuracy"] > 0.75

    # What it says of animals that it never saw, beside what it says of cats and dogs.
    settings = load_params().confidence.model_copy(
        update={"abstention_accuracy": 0.95, "out_of_distribution_fraction": 0.01}
    )
    trained = fetch_model_file("transfer").load(settings)
    others = [picture for picture in list_pictures(list(SPECIES), 0, 10, seed=0) if picture.species not in classes]
    Path("others").mkdir()
    for picture in others:
        Path("others", Path(picture.path).name).write_bytes(draw_jpeg(picture))
    notes = {"known": proportions(predict(trained, list(map(Path, photos["path"]))))}
    notes["others"] = proportions(predict(trained, sorted(Path("others").iterdir())))
    for reason in REASONS:
        assert notes["others"][reason] > notes["known"][reason], notes
    assert notes["known"]["unlike the training photos"] < 0.1 < notes["others"]["unlike the training photos"]


def proportions(results: Iterable[tuple[Path, Any]]) -> dict[str, float]:
    notes = [prediction.note for _, prediction in results]
    return {reason: sum(reason in note for note in notes) / len(notes) for reason in REASONS}
