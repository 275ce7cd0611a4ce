"""Loading a trained model, and its logits and features."""

from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from stages.common.model_config import ModelConfig
from stages.datasets.dataset import Dataset
from stages.inference.prediction import load_model, predict_outputs, with_features
from stages.models.build import build_model
from stages.models.runtime import keras, layers, make_deterministic
from stages.models.saving import save_model
from stages.storage import feature_sets
from stages.training.network import sample_features
from tests.training.examples import FINE_TUNE, features_of, photos
from tests.training.small_backbone import use_small_backbone

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
PHOTOS = photos(6, 0, 32)
ON_BACKBONE = {"features": "mobilenet_v2", "pool_size": 1, "dropout": 0.5, "dense_units": 8}


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize("count", [1, 8, 20])
def test_logits_are_the_model_s_however_many_photos(model: keras.Model, count: int) -> None:
    logits, features = predict_outputs(model, PIXELS[:count])
    np.testing.assert_allclose(logits, model.predict(PIXELS[:count], verbose=0), rtol=1e-5)
    assert features is None


def test_all_batches_have_one_size(model: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the model is compiled once."""
    predict_on_batch = mock.Mock(side_effect=lambda batch: np.zeros((len(batch), 3)))
    monkeypatch.setattr(model, "predict_on_batch", predict_on_batch)
    assert predict_outputs(model, PIXELS).logits.shape == (20, 3)
    assert [len(call.args[0]) for call in predict_on_batch.call_args_list] == [8, 8, 8]


def test_a_model_that_contains_code_is_refused(workspace: Path) -> None:
    pixels = keras.Input((8, 8, 3))
    keras.Model(pixels, layers.Lambda(lambda x: x)(pixels)).save("cnn.keras")
    with pytest.raises(ValueError, match="safe_mode"):
        load_model(Path("cnn.keras"))


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    "changes",
    [{}, {"pooling": "average", "pool_size": None}, {"features": "mobilenet_v2_blocks", "fine_tune": FINE_TUNE}],
)
def test_features_are_those_that_training_saves(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    use_small_backbone(monkeypatch, (32, 32))
    make_deterministic(0)
    model = build_model(ModelConfig.model_validate({**ON_BACKBONE, **changes}), (32, 32), 2)
    save_model(model, Path("model.keras"))
    make_deterministic(0)  # as in another process, in which layers are named as in training
    loaded = load_model(Path("model.keras"))
    logits, features = predict_outputs(with_features(loaded), PHOTOS.examples)
    np.testing.assert_array_equal(logits, predict_outputs(loaded, PHOTOS.examples).logits)
    assert features is not None
    assert features.shape == (6, 8)
    assert features.dtype == np.float32
    assert features.std() > 0.05
    stored = features_of(model, PHOTOS, views=1)
    np.testing.assert_allclose(sample_features(model, stored, seed=0), features, atol=5e-3)


@pytest.mark.usefixtures("workspace")
def test_training_saves_features_of_a_random_sample_of_one_view(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_backbone(monkeypatch, (32, 32))
    model = build_model(ModelConfig.model_validate(ON_BACKBONE), (32, 32), 2)
    maps = np.arange(20).reshape(20, 1, 1, 1) * np.ones((2, 3, 8))  # two views of ten photos
    stored = Dataset(maps.astype(np.float16), np.zeros(10))
    monkeypatch.setattr(feature_sets, "MAX_REFERENCE", 4)
    drawn = [sample_features(model, stored, seed)[:, 0].tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(indices)) == 4 and set(indices) <= set(range(10)) for indices in drawn)
