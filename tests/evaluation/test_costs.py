"""What models cost, and the choice of a cheaper one."""

import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from stages.common.machine import read_measurements, record_measurements
from stages.common.model_config import Features
from stages.common.paths import COSTS, COSTS_TABLE, MODELS
from stages.evaluation.costs import cost_of, write_measured
from stages.evaluation.results import Cost, Evaluation
from stages.inference.prediction import Size, architecture, measure_speed, size_of
from stages.models.runtime import keras, layers
from stages.models.saving import save_model
from stages.storage.files import sha256_of
from tests.evaluation.examples import evaluation_of, two_classes
from tests.evaluation.test_report import write

PHOTOS = {"train": 10, "validation": 4, "test": 2}


def costs(name: str, mistakes: int, billions: int, val_accuracy: float = 0.9) -> Evaluation:
    """A model with a number of mistakes on 100 test photos, and the multiply-adds of its training."""
    labels = np.arange(100) % 2
    second = np.where(labels == (np.arange(100) >= mistakes), 0.9, 0.1)
    model = evaluation_of(name, two_classes(labels, second), val_accuracy)
    return replace(model, cost=Cost(1.5, 7, 10**6, billions * 10**9))


@pytest.mark.parametrize(
    ("others", "advice"),
    [
        ([("near", 3, 1), ("far", 40, 0)], ["take `near`", "(20 % of", ", test accuracy 0.970 instead of"]),
        ([("near", 3, 9), ("far", 40, 0)], ["keep it, the best on validation and the cheapest to train"]),
        ([("near", 3, 4), ("nearer", 2, 2)], ["take `nearer`", "(40 % of", ", the same test accuracy)"]),
    ],
)
def test_the_cheapest_model_that_is_not_proved_worse(others: list[tuple[str, int, int]], advice: list[str]) -> None:
    ranked = [costs("best", 2, 5, 0.95), *(costs(*other) for other in others)]
    [step] = [line for line in write(*ranked).splitlines() if "too few to prove" in line]
    assert all(words in step for words in advice)
    assert "`far`" not in step


def test_costs_have_a_row_per_model() -> None:
    text = write(costs("one", 0, 2345), costs("two", 0, 6))
    assert "| one | 1.5 | 7 | 1.0 | 2,345 |\n| two | 1.5 | 7 | 1.0 | 6 |\n\n" in text


def test_a_network_is_counted_by_hand() -> None:
    """A frozen 3 x 3 convolution over 4 x 5 positions, a depthwise one, and two weights a feature."""
    backbone = keras.Sequential([keras.Input((6, 7, 3)), layers.Conv2D(8, 3)], name="backbone")
    head = [layers.DepthwiseConv2D(3, use_bias=False), layers.Flatten(), layers.Dense(2)]
    model = keras.Sequential([keras.Input((6, 7, 3)), backbone, *head])
    assert size_of(model) == Size(model.count_params(), 4 * 5 * 9 * 3 * 8, 2 * 3 * 9 * 8 + 48 * 2)


@pytest.mark.parametrize(
    ("features", "extracted"), [(None, 0), (Features(backbone="b", flip="horizontal", views=3), 3 * 10 + 4)]
)
def test_training_counts_views_epochs_and_gradients(features: Features | None, extracted: int, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(bytes(1_500_000))
    backbone = 100 if features else 0
    cost = cost_of(path, Size(9, backbone, 7), features, 2, PHOTOS)
    assert cost == Cost(1.5, 9, backbone + 7, backbone * extracted + 2 * 7 * (3 * 10 + 4))


@pytest.fixture
def saved(workspace: Path) -> Path:
    path = MODELS / "first.keras"
    path.parent.mkdir(parents=True)
    keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2)]).save(path)
    return path


def measured(model: Evaluation) -> list[str]:
    """The cells of the only model's row; none if nothing was measured of it."""
    write_measured([model])
    lines = COSTS_TABLE.read_text().splitlines() if COSTS_TABLE.exists() else []
    return lines[-1].strip("| ").split(" | ") if lines else []


def test_what_was_measured_has_a_row_per_model(saved: Path) -> None:
    """Of another model of the same name there is nothing; a missing or damaged file is none."""
    model = costs("first", 50, 1)
    assert measured(model) == []
    record_measurements("train@first", sha256_of(saved), train_s=12.34, features_s=5.0)
    measure_speed(keras.saving.load_model(saved), saved, np.zeros((2, 4, 4, 3), np.uint8))
    *cells, _, in_batches = measured(model)
    assert cells == ["first", "0.500", "5.0", "12.3"]
    assert float(in_batches) >= 0
    record_measurements("train@first", "another", train_s=1.0)
    assert measured(model)[:4] == ["first", "0.500", "", ""]
    for file in COSTS.iterdir():
        file.write_text("{")
    assert measured(model) == []


def test_a_speed_is_measured_once_for_models_alike(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    model = keras.saving.load_model(saved)
    save_model(model, saved)
    monkeypatch.setattr(time, "process_time", count().__next__)  # each batch takes a second
    measure_speed(model, saved, pixels)
    of = architecture(saved)
    assert read_measurements(of, of) == {"ms_1": 1000, "ms_32": 1000 / 32}
    model.set_weights([weight + 1 for weight in model.get_weights()])
    save_model(model, saved)
    monkeypatch.setattr(time, "process_time", None)
    measure_speed(model, saved, pixels)
