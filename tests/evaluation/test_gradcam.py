"""Grad-CAM: the heat lies where the information is, for every kind of model."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.common.model_config import ModelConfig
from stages.evaluation import results
from stages.evaluation.gradcam import choose_photos, gradcam_figure, heat_maps, last_feature_layer
from stages.inference.prediction_cache import PredictionCache
from stages.models.build import build_model
from stages.models.runtime import keras, layers
from tests.evaluation.examples import CLASSES, evaluation_of, photos_of, two_classes
from tests.training.small_backbone import use_small_backbone

CNN = {"features": "pixels", "conv_layers": 2, "filters": 4, "dropout": 0.5, "dense_units": 8, "rotation": 0.5}
NORMALIZED = {"batch_norm": True, "pooling": "average"}


def config(**changes: Any) -> ModelConfig:
    return ModelConfig.model_validate({**CNN, **changes})


@pytest.fixture
def backbone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    """A config with a small backbone."""
    use_small_backbone(monkeypatch, (64, 64))
    return config(features="mobilenet_v2", conv_layers=0, filters=None, rotation=0)


def brightness_model(logits_rise: tuple[float, float] = (0, 1)) -> keras.Model:
    """A model whose one feature is brightness, which is evidence of the second class."""
    pixels = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 255)(pixels)
    x = layers.Conv2D(1, 1, kernel_initializer="ones")(x)
    x = layers.MaxPooling2D(2)(layers.Dropout(0.5)(x))
    logits = layers.Dense(2)(layers.Flatten()(x))
    model = keras.Model(pixels, logits)
    model.layers[-1].set_weights([np.tile(logits_rise, (64, 1)), np.zeros(2)])
    return model


@pytest.mark.parametrize("logits_rise", [(0, 1), (-5, -4), (-1, 0)])  # the same probabilities
def test_heat_lies_where_the_only_informative_pixels_are(logits_rise: tuple[float, float]) -> None:
    pixels = np.zeros((2, 16, 16, 3), np.uint8)
    pixels[0, 2:6, 10:14] = 255
    pixels[1, 9:13, 1:5] = 255
    heat = heat_maps(brightness_model(logits_rise), pixels)
    assert heat.shape == (2, 16, 16)
    np.testing.assert_allclose(heat, pixels[..., 0] / 255, atol=1e-6)


def test_a_photo_without_evidence_stays_cold() -> None:
    assert not heat_maps(brightness_model(), np.zeros((1, 16, 16, 3), np.uint8)).any()


def test_features_are_the_last_convolution_or_the_backbone(backbone: ModelConfig) -> None:
    cnn, transfer = build_model(config(), (32, 32), 2), build_model(backbone, (64, 64), 2)
    convolutions = [layer for layer in cnn.layers if isinstance(layer, layers.Conv2D)]
    assert cnn.layers[last_feature_layer(cnn)] is convolutions[-1]
    assert isinstance(transfer.layers[last_feature_layer(transfer)], keras.Model)
    normalized = build_model(config(**NORMALIZED), (32, 32), 2)
    assert isinstance(normalized.layers[last_feature_layer(normalized)], layers.ReLU)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_heat_is_the_same_every_time_and_between_zero_and_one(backbone: ModelConfig, policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    for of in (config(), config(**NORMALIZED), backbone):
        model = build_model(of, (64, 64), 3)
        heat = heat_maps(model, pixels)
        assert heat.shape == (3, 64, 64)
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() <= 1
        np.testing.assert_array_equal(heat, heat_maps(model, pixels))


@pytest.mark.parametrize(
    ("predictions", "shown"),
    [
        # Correct ones, evenly spaced, and the most confident mistakes.
        (two_classes(np.zeros(13, int), np.array([0.1] * 10 + [0.6, 0.9, 0.7])), [0, 3, 6, 9, 11, 12, 10]),
        # Of these the confidence rounds to 1.
        (results.Predictions(np.zeros(5, int), np.outer([38, 50, 41, 60, 44], [0.0, 1])), [3, 1, 4, 2]),
        (two_classes(np.full(2, 0), np.array([0.1, 0.2])), [0, 1]),  # all correct
        (two_classes(np.full(2, 1), np.array([0.1, 0.2])), [0, 1]),  # none
    ],
)
def test_correct_photos_and_confident_mistakes_are_shown(predictions: results.Predictions, shown: list[int]) -> None:
    assert choose_photos(photos_of(predictions)).index.tolist() == shown


@pytest.mark.usefixtures("workspace")
def test_each_photo_is_drawn_with_its_outcome_and_its_heat_below() -> None:
    labels = np.array([0, 1])
    predictions = two_classes(labels, np.array([0.1, 0.2]))
    pixels = np.full((2, 16, 16, 3), 128, np.uint8)
    test = results.TestSet(pd.DataFrame(), CLASSES, pixels, labels, baseline=0.5)
    brightness_model().save("cnn.keras")
    figure = gradcam_figure(Path("cnn.keras"), evaluation_of("cnn", predictions), test, PredictionCache(pixels))()
    upper, lower = figure.axes[:2], figure.axes[2:4]
    titles = [axes.get_title() for axes in upper]
    assert titles == ["cats classified correctly\nconfidence 0.900", "dogs misclassified as cats\nconfidence 0.800"]
    assert [len(axes.images) for axes in lower] == [2, 2]
