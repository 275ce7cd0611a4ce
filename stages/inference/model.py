"""Load a trained model, and compute the probabilities of its classes."""

import logging
from pathlib import Path

import numpy as np
from scipy.special import softmax

from stages.common.program import UserError
from stages.models.runtime import keras
from stages.photos.arrays import ArrayStore

# TensorFlow warns that a second model is compiled anew, as it should be.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


def load_model(path: Path) -> keras.Model:
    """Load a saved model; Keras's safe mode refuses code hidden in it."""
    if not path.exists():
        raise UserError(f"expected the model {path}, found none: run `dvc repro train@{path.stem}`")
    return keras.saving.load_model(path, safe_mode=True)


def predict_probabilities(model: keras.Model, pixels: ArrayStore, batch_size: int) -> np.ndarray:
    """Compute the probability of each class for each photo.

    Args:
        pixels: uint8 of 0..255, shaped (photos, height, width, 3).

    Returns:
        float64, shaped (photos, classes), rows summing to one.
    """
    size = min(batch_size, len(pixels))
    numbers = (np.arange(start, start + size) for start in range(0, len(pixels), size))
    # The last batch is padded: for one of another size TensorFlow would compile the model anew.
    batches = (pixels[np.minimum(chosen, len(pixels) - 1)] for chosen in numbers)
    logits = np.concatenate([model.predict_on_batch(batch) for batch in batches])[: len(pixels)]
    return np.asarray(softmax(logits.astype(np.float64), axis=1))
