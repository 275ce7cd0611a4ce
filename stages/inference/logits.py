"""Load a trained model, and predict the logits of photos."""

import logging
from pathlib import Path

import numpy as np

from stages.common.cli import UserError
from stages.common.parallel import in_parallel
from stages.models.runtime import keras
from stages.storage.arrays import ArrayStore

BATCH_SIZE = 8  # no slower than larger ones, and as many as there are cores are in memory

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
        raise UserError(f"expected the model {path}, found none: run `dvc repro train@{path.stem.partition('.')[0]}`")
    return path


def predict_logits(model: keras.Model, pixels: ArrayStore) -> np.ndarray:
    """Predict the logit of each class for each photo, on all cores; ``Confidence`` makes probabilities of them.

    Args:
        pixels: uint8 in 0..255, shaped (photos, height, width, 3).

    Returns:
        float32, shaped (photos, classes).
    """
    size = min(BATCH_SIZE, len(pixels))
    numbers = (np.arange(start, start + size) for start in range(0, len(pixels), size))
    # Pad the last batch: for one of another size TensorFlow would compile the model again.
    batches = (pixels[np.minimum(chosen, len(pixels) - 1)] for chosen in numbers)
    model.make_predict_function()  # once, before several threads need it
    return np.concatenate(list(in_parallel(model.predict_on_batch, batches)))[: len(pixels)]
