"""Loading a trained model, and its logits."""

from pathlib import Path

import numpy as np
import pytest

from stages.common.cli import UserError
from stages.inference.logits import load_model, predict_logits
from stages.models.runtime import keras, layers

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize("number", [1, 8, 20])
def test_logits_are_the_model_s_however_many_photos(model: keras.Model, number: int) -> None:
    logits = predict_logits(model, PIXELS[:number])
    np.testing.assert_allclose(logits, model.predict(PIXELS[:number], verbose=0), rtol=1e-5)


def test_every_batch_has_the_same_size_so_that_the_model_is_compiled_once(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[np.ndarray] = []

    def logits_of(batch: np.ndarray) -> np.ndarray:
        batches.append(batch)
        return np.zeros((len(batch), 3))

    monkeypatch.setattr(model, "predict_on_batch", logits_of)
    assert predict_logits(model, PIXELS).shape == (20, 3)
    assert [len(batch) for batch in batches] == [8, 8, 8]


@pytest.mark.parametrize("path", ["data/models/cnn.keras", "data/repeats/cnn/cnn.1.keras"])
def test_a_missing_model_is_one_line(workspace: Path, path: str) -> None:
    with pytest.raises(UserError, match=rf"^expected the model {path}, found none: run `dvc repro train@cnn`$"):
        load_model(Path(path))


def test_a_model_that_contains_code_is_refused(workspace: Path) -> None:
    pixels = keras.Input((8, 8, 3))
    keras.Model(pixels, layers.Lambda(lambda x: x)(pixels)).save("cnn.keras")
    with pytest.raises(ValueError, match="safe_mode"):
        load_model(Path("cnn.keras"))
