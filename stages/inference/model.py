"""Load a trained model, and predict the class probabilities of photos."""

import logging
from pathlib import Path

import numpy as np
from scipy.special import softmax

from stages.common.program import UserError
from stages.models.runtime import keras
from stages.photos.arrays import ArrayStore

# TensorFlow warns about compiling again for each further model, which is inevitable.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


def load_model(path: Path) -> keras.Model:
    """Load a saved model to predict with, in Keras's safe mode, which refuses a model that contains code.

    Raises:
        UserError: There is no such file.
    """
    return keras.saving.load_model(existing_model(path), compile=False, safe_mode=True)


def existing_model(path: Path) -> Path:
    """Return the path of a saved model, or raise UserError if there is none."""
    if not path.exists():
        raise UserError(f"expected the model {path}, found none: run `dvc repro train@{path.stem}`")
    return path


def predict_probabilities(model: keras.Model, pixels: ArrayStore, batch_size: int) -> np.ndarray:
    """Predict the probability of each class for each photo.

    Args:
        pixels: uint8 in 0..255, shaped (photos, height, width, 3).

    Returns:
        float64, shaped (photos, classes), rows summing to one.
    """
    size = min(batch_size, len(pixels))
    numbers = (np.arange(start, start + size) for start in range(0, len(pixels), size))
    # Pad the last batch: for one of another size TensorFlow would compile the model again.
    batches = (pixels[np.minimum(chosen, len(pixels) - 1)] for chosen in numbers)
    logits = np.concatenate([model.predict_on_batch(batch) for batch in batches])[: len(pixels)]
    return np.asarray(softmax(logits.astype(np.float64), axis=1))
