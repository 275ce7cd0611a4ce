"""Classify photos with a trained model."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from stages.common.program import UserError
from stages.inference.model import predict_probabilities
from stages.intake.archive import is_hidden
from stages.photos.decode import UnreadablePhotoError, resized_pixels
from stages.predict.formats import Prediction, printable
from stages.predict.model_file import TrainedModel

CHUNK_SIZE = 256  # photos in memory at a time
BATCH_SIZE = 32


class Failure(NamedTuple):
    """A file that cannot be decoded as a photo."""

    path: Path
    reason: str


def list_photos(given: Sequence[Path]) -> list[Path]:
    """List the files to classify: those given, and those in the folders given, sorted, without hidden ones.

    Raises:
        UserError: There is no such file, or a folder holds none.
    """
    paths: list[Path] = []
    for path in given:
        if not path.exists():
            raise UserError(f"expected a photo or a folder of photos, received {printable(path)}: no such file")
        inside = sorted(path.rglob("*")) if path.is_dir() else []
        # A link to a folder, or to nothing, counts as a file, which then cannot be decoded.
        files = [file for file in inside if file.is_symlink() or file.is_file()]
        files = [file for file in files if not is_hidden(PurePosixPath(file.relative_to(path)))]
        if path.is_dir() and not files:
            raise UserError(
                f"expected photos in the folder {printable(path)}, found none: add some, or leave the folder out"
            )
        paths += files or [path]
    return paths


def predict(trained: TrainedModel, paths: Sequence[Path]) -> Iterator[Prediction | Failure]:
    """Classify photos in the order of ``paths``, however many: a chunk of them is in memory at a time."""
    decode = partial(pixels_of, image_size=trained.image_size)
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), CHUNK_SIZE):
            chunk = paths[start : start + CHUNK_SIZE]
            decoded = list(pool.map(decode, chunk))
            pixels = [photo for photo in decoded if not isinstance(photo, Failure)]
            probabilities = iter(predict_probabilities(trained.model, np.stack(pixels), BATCH_SIZE) if pixels else ())
            for path, photo in zip(chunk, decoded, strict=True):
                yield photo if isinstance(photo, Failure) else Prediction(path, next(probabilities))


def pixels_of(path: Path, image_size: tuple[int, int]) -> np.ndarray | Failure:
    try:
        return resized_pixels(path, image_size)
    except UnreadablePhotoError as error:
        return Failure(path, str(error))
