"""The features of a model's backbone, as training keeps them and as a prediction has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.model_config import ModelConfig
from stages.datasets.dataset import StoredDataset
from stages.inference.logits import load_model, predict_logits
from stages.inference.out_of_distribution import distance_to_nearest, normalize, with_features
from stages.models.build import build_model
from stages.models.runtime import make_deterministic
from stages.models.saving import save_model
from stages.training import reference_features as sample
from stages.training.reference_features import sample_features
from tests.training.examples import FINE_TUNE, features_of, photos
from tests.training.small_backbone import use_small_backbone

PHOTOS = photos(6, 0, 32)
ON_BACKBONE = {"features": "mobilenet_v2", "pool_size": 1, "dropout": 0.5, "dense_units": 8}


@pytest.mark.parametrize("changes", [{}, {"features": "mobilenet_v2_blocks", "fine_tune": FINE_TUNE}])
def test_features_follow_the_logits_and_are_those_that_training_keeps(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    use_small_backbone(monkeypatch, (32, 32))
    make_deterministic(0)
    model = build_model(ModelConfig.model_validate({**ON_BACKBONE, **changes}), (32, 32), 2)
    save_model(model, Path("model.keras"))
    loaded = load_model(Path("model.keras"))
    outputs = predict_logits(with_features(loaded), PHOTOS.examples)
    assert outputs.shape == (6, 2 + 8)
    np.testing.assert_array_equal(outputs[:, :2], predict_logits(loaded, PHOTOS.examples))
    assert outputs[:, 2:].std() > 0.05
    for kept in (PHOTOS, features_of(model, PHOTOS, views=1)):
        np.testing.assert_allclose(sample_features(model, kept, seed=0), outputs[:, 2:], atol=5e-3)


def test_of_many_photos_a_random_sample_is_kept_and_of_versions_the_first(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_small_backbone(monkeypatch, (32, 32))
    model = build_model(ModelConfig.model_validate(ON_BACKBONE), (32, 32), 2)
    maps = np.arange(20).reshape(20, 1, 1, 1) * np.ones((2, 3, 8))  # two versions of ten photos
    stored = StoredDataset(maps.astype(np.float16), np.zeros(10))
    monkeypatch.setattr(sample, "PHOTOS", 4)
    drawn = [sample_features(model, stored, seed)[:, 0].tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(numbers)) == 4 and set(numbers) <= set(range(10)) for numbers in drawn)


def test_the_distance_is_one_minus_the_cosine_to_the_nearest() -> None:
    training = normalize(np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    assert training.tolist() == [[1, 0], [0, 1], [0, 0]]
    features = np.array([[3, 0], [1, 1], [0, 0], [-1, -1]])
    np.testing.assert_allclose(distance_to_nearest(features, training), [0, 1 - 0.5**0.5, 1, 1], atol=1e-6)
