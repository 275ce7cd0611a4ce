import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml
from keras import layers

from stages.common.cli import UserError
from stages.common.model_config import ModelConfig
from stages.datasets.feature_extraction import feature_extractor
from stages.models.build import build_model, trainable_part
from stages.models.runtime import tf
from tests.conftest import PROJECT
from tests.models.backbones import write_backbone

SIZE = (64, 48)
PIXELS = np.random.default_rng(0).integers(0, 256, (8, *SIZE, 3)).astype("float32")


def config(name: str, **changes: Any) -> ModelConfig:
    entries = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]
    return ModelConfig.model_validate({**entries[name], **changes})


@pytest.fixture
def backbone(workspace: Path) -> Path:
    """Weights of the narrowest MobileNetV2."""
    return write_backbone("MobileNetV2", SIZE, alpha=0.35)


def notebook_head(classes: int = 3) -> list[layers.Layer]:
    return [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(classes)]


def notebook_convolutions(classes: int = 3) -> list[layers.Layer]:
    blocks = [[layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()] for _ in range(3)]
    blocks[2].insert(1, layers.Dropout(0.5))
    return [*blocks[0], *blocks[1], *blocks[2], *notebook_head(classes)]


def notebook_preprocessing() -> keras.Model:
    pixels = keras.Input((*SIZE, 3))
    return keras.Model(pixels, keras.applications.mobilenet_v2.preprocess_input(pixels))


def notebook_backbone(weights: Path) -> keras.Model:
    base = keras.applications.MobileNetV2(input_shape=(*SIZE, 3), alpha=0.35, include_top=False, weights=str(weights))
    base.trainable = False
    scaled = keras.Input((*SIZE, 3))
    return keras.Model(scaled, base(scaled, training=False))


def augmentation() -> list[layers.Layer]:
    return [layers.RandomFlip("horizontal", seed=1), layers.RandomRotation(0.2, seed=2)]


def notebook_model(name: str, weights: Path) -> keras.Model:
    """The notebook's model in the notebook's words, for three classes."""
    start = {
        "cnn": lambda: [layers.Rescaling(1 / 255)],
        "augmented": lambda: [*augmentation(), layers.Rescaling(1 / 255)],
        "preprocessed": lambda: [notebook_preprocessing(), *augmentation()],
        "transfer": lambda: [notebook_preprocessing(), *augmentation(), notebook_backbone(weights)],
    }[name]()
    on_backbone = [layers.Dropout(0.5), layers.MaxPooling2D(), *notebook_head()]
    rest = on_backbone if name == "transfer" else notebook_convolutions()
    return keras.Sequential([keras.Input((*SIZE, 3)), *start, *rest])


@pytest.mark.parametrize("name", ["cnn", "augmented", "preprocessed", "transfer"])
def test_a_model_computes_the_same_as_the_notebooks(backbone: Path, name: str) -> None:
    ours = build_model(config(name), SIZE, 3)
    theirs = notebook_model(name, backbone)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(PIXELS, training=False), theirs(PIXELS, training=False), rtol=1e-4, atol=1e-5)
    assert len(ours.trainable_weights) == len(theirs.trainable_weights)
    assert [layer.rate for layer in ours.layers if isinstance(layer, layers.Dropout)] == [0.5]


@pytest.mark.parametrize("name", ["cnn", "transfer"])
def test_a_step_of_training_is_the_notebooks_step(backbone: Path, name: str) -> None:
    """The same weights and batch: the same loss and gradients, those of transfer by way of the backbone's features."""
    ours = build_model(config(name, dropout=0.0), SIZE, 3)
    theirs = notebook_model(name, backbone)
    theirs.set_weights(ours.get_weights())
    random = (layers.RandomFlip, layers.RandomRotation, layers.Dropout)
    deterministic = [layer for layer in theirs.layers if not isinstance(layer, random)]
    theirs = keras.Sequential([keras.Input((*SIZE, 3)), *deterministic])
    labels = np.arange(8) % 3

    if name == "transfer":
        features = feature_extractor(ours.get_layer("preprocessing"), ours.get_layer("backbone"))(PIXELS)
        loss, gradients = step(trainable_part(ours), features, labels)
    else:
        loss, gradients = step(ours, PIXELS, labels)
    expected_loss, expected_gradients = step(theirs, PIXELS, labels)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert len(gradients) == len(expected_gradients) == len(ours.trainable_weights)
    for gradient, expected in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-6 * float(np.abs(expected).max()) + 1e-9)


def step(model: keras.Model, rows: Any, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
    with tf.GradientTape() as tape:
        logits = model(rows, training=True)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    return float(loss), [np.asarray(gradient) for gradient in tape.gradient(loss, model.trainable_variables)]


def test_batch_norm_comes_between_pooling_and_activation() -> None:
    changes = {"filters": [2, 4, 6], "batch_norm": True, "pooling": "average", "dense_units": 8}
    ours = build_model(config("cnn", **changes), SIZE, 3)
    blocks: list[layers.Layer] = []
    for filters in (2, 4):
        blocks += [layers.Conv2D(filters, 3, use_bias=False), layers.MaxPooling2D()]
        blocks += [layers.BatchNormalization(), layers.ReLU()]
    blocks += [layers.Conv2D(6, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU()]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(8, activation="relu"), layers.Dense(3)]
    theirs = keras.Sequential([keras.Input((*SIZE, 3)), layers.Rescaling(1 / 255), *blocks, *head])
    ours(PIXELS, training=True)  # so that moving averages differ from 0 and 1
    theirs.set_weights([weight for weight in ours.get_weights() if weight.dtype == np.float32])
    np.testing.assert_allclose(ours(PIXELS), theirs(PIXELS), rtol=1e-4, atol=1e-5)


def test_the_guide_s_cnn_ends_in_maps_of_six_by_six() -> None:
    """Grad-CAM shows them, and the normalisation of a single pixel would be of the micro-batch's few photos."""
    [entry] = re.findall(r"```yaml\nmodels:\n  scratch:\n(.*?)```", (PROJECT / "docs/guide.md").read_text(), re.DOTALL)
    model = build_model(ModelConfig.model_validate(yaml.safe_load(entry)), (160, 160), 2)
    assert next(layer for layer in reversed(model.layers) if isinstance(layer, layers.ReLU)).output.shape[1:3] == (6, 6)


def test_photos_too_small_for_the_layers_say_so() -> None:
    with pytest.raises(UserError, match=r"^image_size: \[8, 8\] .* MaxPooling2D receives maps of 1 x 1: enlarge"):
        build_model(config("cnn"), (8, 8), 2)
