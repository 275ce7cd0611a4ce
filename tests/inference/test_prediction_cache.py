"""Predictions that are kept: used again where nothing has changed, and only there."""

import zipfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from stages.common.cli import UserError
from stages.common.paths import MODELS, PREDICTIONS
from stages.inference import prediction_cache as kept
from stages.inference.logits import load_model, predict_logits
from stages.inference.prediction_cache import PredictionCache, delete_others
from stages.models.runtime import keras, layers

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4, 8, 3), np.uint8)
MODEL = MODELS / "cnn.keras"
FILE = PREDICTIONS / "cnn.npz"


def save_model(seed: int) -> None:
    MODELS.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    keras.Sequential([keras.Input((None, None, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2)]).save(MODEL)


def predict(pixels: np.ndarray = PIXELS) -> bool:
    """Ask for the predictions, and say whether the model was loaded for them; they are always the right ones."""
    with mock.patch.object(kept, "load_model", wraps=load_model) as loading:
        logits = PredictionCache(pixels).logits(MODEL)
    np.testing.assert_array_equal(logits, predict_logits(load_model(MODEL), pixels))
    return loading.called


@pytest.fixture(autouse=True)
def _kept(workspace: Path) -> None:
    """The predictions of a model."""
    save_model(seed=0)
    assert predict()


def test_a_model_is_loaded_only_to_predict_what_is_not_kept() -> None:
    assert not predict()


def test_what_is_predicted_again_is_kept_in_the_same_bytes() -> None:
    before = FILE.read_bytes()
    FILE.unlink()
    assert predict()
    assert FILE.read_bytes() == before


def test_a_model_that_changed_predicts_again() -> None:
    save_model(seed=1)
    assert predict()
    assert not predict()


def test_a_changed_photo_one_less_or_another_shape_predicts_again() -> None:
    changed = PIXELS.copy()
    changed[4, 3, 7, 2] ^= 1
    for pixels in (changed, changed[:4], changed[:4].reshape(4, 8, 4, 3)):
        assert predict(pixels)


def test_features_are_kept_after_the_logits_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "with_features", lambda model: keras.Sequential([model, layers.Dense(3)]))
    with mock.patch.object(kept, "load_model", wraps=load_model) as loading:
        for _ in range(2):
            assert PredictionCache(PIXELS).logits(MODEL, features=True).shape == (5, 3)
    assert loading.call_count == 1
    assert predict()


@pytest.mark.parametrize("cause", ["describe_environment", "inference_code"])
def test_another_environment_or_other_code_predicts_again(cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, cause, lambda: ["another"])
    assert predict()


@pytest.mark.parametrize("damage", ["empty", "cut short", "a changed bit", "another program's"])
def test_a_damaged_file_is_predicted_again_and_it_says_so(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    whole = FILE.read_bytes()
    middle = len(whole) // 2
    broken = {
        "empty": b"",
        "cut short": whole[:-100],
        "a changed bit": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
    }
    if damage in broken:
        FILE.write_bytes(broken[damage])
    else:
        with zipfile.ZipFile(FILE, "w") as file:
            file.writestr("notes.txt", "no predictions")
    assert predict()
    assert caplog.messages == [f"{FILE} is damaged, so the predictions in it are not used"]
    assert not predict()


def test_predictions_of_models_that_params_yaml_no_longer_has_are_deleted() -> None:
    delete_others(["cnn", "new"])
    assert FILE.exists()
    delete_others(["new"])
    assert not FILE.exists()


def test_a_missing_model_is_one_line_whatever_is_kept() -> None:
    MODEL.unlink()
    with pytest.raises(UserError, match=r"^expected the model .*cnn.keras, found none: run `dvc repro train@cnn`$"):
        PredictionCache(PIXELS).logits(MODEL)
