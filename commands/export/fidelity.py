"""How faithful an export is to its model, and the photos on which that is measured."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.common.cli import UserError
from stages.inference.model_file import TrainedModel
from stages.photos.decode import load_pixels
from stages.storage.arrays import ArrayStore
from stages.storage.photo_lists import read_list

MAX_DIFFERENCE = 1e-3  # of a probability, in float32
ADVICE = {
    "float32": "try another --format",
    "float16": "try --precision float32",
    "int8": "try --precision float16, more --calibration-photos, or the other of --format onnx and tflite",
}


class Fidelity(NamedTuple):
    """How the predictions of an export compare with those of its model, on the same photos."""

    photos: int
    agreement: float  # proportion of the photos for which both predict the same class
    largest_difference: float  # of a probability
    model_accuracy: float
    accuracy: float  # of the export

    def check(self, precision: str, max_accuracy_loss: float) -> None:
        """Raise UserError if the export differs too much from its model, or computes NaN."""
        if np.isnan(self.largest_difference) or (precision == "float32" and self.largest_difference > MAX_DIFFERENCE):
            expected = f"probabilities within {MAX_DIFFERENCE:g} of the model's"
        elif round(self.model_accuracy - self.accuracy, 6) > max_accuracy_loss:
            expected = f"an accuracy at most {max_accuracy_loss:g} below the model's"
        else:
            return
        raise UserError(f"{precision}: expected {expected}, received {self}: {ADVICE[precision]}")

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.4f} (the model's: {self.model_accuracy:.4f}), "
            f"the model's class for {self.agreement:.2%} of {self.photos} photos, "
            f"probabilities within {self.largest_difference:.2g}"
        )


def measure_fidelity(exported: np.ndarray, expected: np.ndarray, labels: np.ndarray) -> Fidelity:
    """Compare the probabilities of an export with the model's, shaped (photos, classes).

    The labels are class indices, -1 for what is not a class of the model.
    """
    classes, expected_classes = exported.argmax(axis=1), expected.argmax(axis=1)
    equal = (classes == expected_classes, expected_classes == labels, classes == labels)
    agreement, model_accuracy, accuracy = (round(float(each.mean()), 6) for each in equal)
    difference = float(f"{np.abs(exported - expected).max():.3g}")
    return Fidelity(len(expected), agreement, difference, model_accuracy, accuracy)


def validation_photos(trained: TrainedModel) -> tuple[ArrayStore, np.ndarray]:
    """Return pixels and class indices (-1: no class of the model) of the validation photos."""
    photos = read_list("validation")
    pixels = load_pixels(list(photos["path"]), trained.image_size, trained.image_fit)
    return pixels, pd.Index(trained.class_names).get_indexer(pd.Index(photos["label"]))


def training_pixels(trained: TrainedModel, number: int) -> ArrayStore:
    """Return the pixels of a random sample of at most ``number`` training photos."""
    paths = np.random.default_rng(0).permutation(read_list("train")["path"])[:number]
    return load_pixels(list(paths), trained.image_size, trained.image_fit)
