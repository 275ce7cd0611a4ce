"""What `make demo` shows: with its photos and parameters, a model learns more than to guess the larger class."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stages import backbone, download, features, split, train
from stages.common.paths import MODELS
from stages.evaluate import evaluate
from stages.evaluation import results
from stages.inference.confidence import Confidence
from stages.inference.model import load_model, predict_logits
from stages.photos.arrays import load_photos
from stages.photos.lists import class_names, majority_class_accuracy, read_split
from stages.sample.archive import write_archive
from tests.conftest import PROJECT


@pytest.mark.slow
def test_the_demo_s_best_recipe_beats_the_baseline_on_validation_and_test(
    workspace: Path, set_params: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its five models, on half of its validation and test photos; CI checks the whole demo."""
    changed = re.findall(r"--set-param '?([\w.]+)=([^$\s']+)", (PROJECT / "Makefile").read_text())
    set_params({name: yaml.safe_load(value) for name, value in changed})
    params = yaml.safe_load(Path("params.yaml").read_text())
    assert (params["train"]["epochs"], params["train"]["image_size"]) == (10, [96, 96])
    set_params({"download.photos": "data/sample.zip", "models": {"transfer": params["models"]["transfer"]}})
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
    pixels = load_photos(photos, classes, params["train"]["image_size"])
    test = results.TestSet(photos, classes, *pixels, baseline)
    logits = predict_logits(load_model(MODELS / "transfer.keras"), test.pixels)
    scores = evaluate("transfer", logits, Confidence(), test).scores
    assert scores["test"]["accuracy_low"] > baseline == 0.5, "beyond its confidence interval"
    assert scores["validation"]["accuracy"] > 0.75
