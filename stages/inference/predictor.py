"""Classify photos with a trained model."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from stages.common.cli import UserError, shown
from stages.common.parallel import in_parallel
from stages.inference.logits import predict_logits
from stages.inference.model_file import TrainedModel
from stages.photos.decode import UnreadablePhotoError, resized_pixels
from stages.storage.folders import is_hidden, unreadable_folders

CHUNK_SIZE = 256  # photos in memory at a time


class Prediction(NamedTuple):
    """What a model says of a photo."""

    probabilities: np.ndarray  # float64, shaped (classes,)
    note: str | None = None  # why not to believe it, or ""; None: the model gives no notes


def list_photos(given: Sequence[Path]) -> list[Path]:
    """List the files to classify: those given, and those in the folders given, sorted, without hidden ones.

    Raises:
        UserError: There is no such file, or a folder holds none.
    """
    paths: list[Path] = []
    for path in given:
        name = shown(path)
        if not path.exists():
            raise UserError(f"expected a photo or a folder of photos, received {name}: no such file")
        # A named pipe, a link to a folder or to nothing, and a folder that may not be read count as files, which cannot
        # be decoded.
        files = [file for file in path.rglob("*") if file.is_symlink() or not file.is_dir()]
        files += [Path(error.filename) for error in unreadable_folders(path)]
        files = [file for file in sorted(files) if not is_hidden(PurePosixPath(file.relative_to(path)))]
        if path.is_dir() and not files:
            raise UserError(f"expected photos in the folder {name}, found none: add some, or leave the folder out")
        paths += files or [path]
    return paths


def predict(
    trained: TrainedModel, paths: Sequence[Path], max_megapixels: float = math.inf
) -> Iterator[tuple[Path, Prediction | UnreadablePhotoError]]:
    """Classify each photo, or say why not; a chunk is in memory at a time."""
    for start in range(0, len(paths), CHUNK_SIZE):
        chunk = paths[start : start + CHUNK_SIZE]
        yield from zip(chunk, predict_chunk(trained, chunk, max_megapixels), strict=True)


def predict_chunk(
    trained: TrainedModel, paths: Sequence[Path], max_megapixels: float
) -> list[Prediction | UnreadablePhotoError]:
    """Decode photos and classify them; no photo is in memory any more when it returns."""

    def decode(path: Path) -> np.ndarray | UnreadablePhotoError:
        try:
            return resized_pixels(path, trained.image_size, max_megapixels)
        except UnreadablePhotoError as error:
            return error

    decoded = list(in_parallel(decode, paths))
    pixels = [photo for photo in decoded if isinstance(photo, np.ndarray)]
    predictions = iter(classify(trained, np.stack(pixels)) if pixels else ())
    return [next(predictions) if isinstance(photo, np.ndarray) else photo for photo in decoded]


def classify(trained: TrainedModel, pixels: np.ndarray) -> list[Prediction]:
    """Classify decoded photos, uint8 in 0..255, shaped (photos, height, width, 3)."""
    confidence = trained.confidence
    outputs = predict_logits(trained.with_features or trained.model, pixels)
    logits, features = np.split(outputs, [len(trained.class_names)], axis=1)
    probabilities = confidence.probabilities(logits)
    notes = confidence.notes(logits, features) if confidence.gives_notes else [None] * len(pixels)
    return list(map(Prediction, probabilities, notes))
