"""Photos unlike the training photos, as a small model on a backbone tells them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.common.model_config import ModelConfig
from stages.common.params import load_params
from stages.common.paths import MODELS
from stages.inference.model_file import fetch_model_file
from stages.inference.predictor import classify
from stages.models.build import build_model
from stages.models.runtime import make_deterministic
from stages.models.saving import save_model
from stages.storage.files import write_json
from stages.training.reference_features import sample_features
from tests.commands.small_model import save_small_model
from tests.training.examples import photos
from tests.training.small_backbone import use_small_backbone

CLASSES = ["cats", "dogs"]
TRAINING, VALIDATION = photos(30, 0, 32), photos(100, 1, 32)  # of noise
CONFIG = ModelConfig(features="mobilenet_v2", pool_size=1, dropout=0.5, dense_units=8)


@pytest.fixture
def trained(workspace: Path, monkeypatch: pytest.MonkeyPatch, set_params: Callable[..., None]) -> None:
    """The model "good" beside what training keeps of it."""
    use_small_backbone(monkeypatch, (32, 32))
    make_deterministic(0)
    model = build_model(CONFIG, (32, 32), len(CLASSES))
    save_model(model, MODELS / "good.keras")
    write_json({"classes": CLASSES}, MODELS / "good.json")
    np.savez(
        MODELS / "good.npz",
        logits=model.predict_on_batch(VALIDATION.examples),
        labels=VALIDATION.labels,
        training_features=sample_features(model, TRAINING, seed=0),
        validation_features=sample_features(model, VALIDATION, seed=0),
    )
    set_params({"confidence.out_of_distribution_fraction": 0.05})


@pytest.mark.usefixtures("trained")
def test_a_fraction_of_the_validation_photos_is_unlike_the_training_photos_and_a_white_one_is() -> None:
    file, settings = fetch_model_file("good"), load_params().confidence
    pixels = np.asarray(VALIDATION.examples)
    predictions = classify(file.load(settings), pixels)
    flagged = [prediction.note == "unlike the training photos" for prediction in predictions]
    assert sum(flagged) == pytest.approx(5, abs=1)
    [white] = classify(file.load(settings), np.full((1, 32, 32, 3), 255, np.uint8))
    assert white.note == "unlike the training photos"
    plain = classify(file.load(settings.model_copy(update={"out_of_distribution_fraction": None})), pixels)
    assert {prediction.note for prediction in plain} == {None}
    for prediction, other in zip(predictions, plain, strict=True):
        np.testing.assert_array_equal(prediction.probabilities, other.probabilities)


def test_a_model_without_a_backbone_says_that_it_cannot_tell(
    workspace: Path, set_params: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    save_small_model("small", CLASSES)
    set_params({"confidence.out_of_distribution_fraction": 0.05})
    assert not fetch_model_file("small").load(load_params().confidence).confidence.gives_notes
    assert caplog.messages == [
        "data/models/small.keras has no backbone: it calls no photo unlike the training photos",
    ]
