"""Whether a saved model is the one that was trained."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.models import saving
from stages.models.runtime import keras, layers
from stages.models.saving import check_saved_model, save_model

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), np.uint8)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A saved model, and its logits for ``PIXELS``."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(3)])
    save_model(model, tmp_path / "model.keras")
    return tmp_path / "model.keras", np.asarray(model(PIXELS))


CHANGES: dict[str, tuple[bool, Callable[[np.ndarray], np.ndarray]]] = {
    "nothing": (True, lambda logits: logits),
    "rounding": (True, lambda logits: logits * np.float32(1.005)),
    "a scale": (False, lambda logits: logits * np.float32(1.05)),
    "one photo": (False, lambda logits: np.concatenate([logits[:-1], logits[-1:, ::-1]])),
    "the order": (False, lambda logits: logits[::-1]),
    "no number": (False, lambda logits: logits * np.float32("nan")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_by_more_than_rounding_is_an_error(saved: tuple[Path, np.ndarray], change: str) -> None:
    path, logits = saved
    agrees, altered = CHANGES[change]
    if agrees:
        check_saved_model(path, PIXELS, altered(logits))
    else:
        with pytest.raises(RuntimeError, match=r"on 20 validation photos they differ by up to (nan|[\d.]+), by round"):
            check_saved_model(path, PIXELS, altered(logits))


def test_small_logits_may_differ_by_a_little(saved: tuple[Path, np.ndarray]) -> None:
    path, logits = saved
    small = keras.saving.load_model(path)
    small.set_weights([1e-5 * weight for weight in small.get_weights()])
    save_model(small, path)
    check_saved_model(path, PIXELS, 1e-5 * logits + np.float32(0.004))


def test_the_check_stops_when_its_time_is_over(saved: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    path, logits = saved
    monkeypatch.setattr(saving, "CHECK_SECONDS", 0.0)
    check_saved_model(path, PIXELS, np.concatenate([logits[:8], -logits[8:]]))
    with pytest.raises(RuntimeError, match="on 8 validation photos"):
        check_saved_model(path, PIXELS, -logits)
