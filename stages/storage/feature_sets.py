"""The files of a set of features, or of the pixels: what the steps ``pixels`` and ``features`` write."""

import errno
import json
import logging
import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.common.cli import UserError, first_line
from stages.common.paths import FEATURES, PIXELS, SPLITS
from stages.storage.arrays import DiskArray, create_array, open_array
from stages.storage.files import content_hash, write_json

logger = logging.getLogger(__name__)

Lists = Mapping[str, pd.DataFrame]  # of photos, by split

VALIDATION_SAMPLE = "validation_sample"  # a file beside the arrays


def sample_rows(photos: int) -> np.ndarray:
    """Draw the rows of the validation photos on which a saved model is checked: at most 64, in random order."""
    return np.random.default_rng(0).permutation(photos)[:64]


def create_arrays(folder: Path, shapes: Mapping[str, tuple[int, ...]], dtype: type) -> dict[str, DiskArray]:
    """Create the arrays of each split, and log how large they will be.

    Raises:
        OSError: The disk has no room for them.
    """
    sizes = {split: math.prod(shape) * np.dtype(dtype).itemsize for split, shape in shapes.items()}
    for split, shape in shapes.items():
        shown = " x ".join(map(str, shape))
        logger.info("%s.npy: %s of %s, %.1f MB", split, shown, np.dtype(dtype), sizes[split] / 1e6)
    needed, free = sum(sizes.values()), shutil.disk_usage(folder).free
    if free < needed:
        numbers = f"{needed / 1e6:.1f} MB needed, {free / 1e6:.1f} MB free"
        raise OSError(errno.ENOSPC, f"{numbers}; fewer views or a smaller image_size need less")
    if free < 2 * needed:
        logger.warning("%.1f MB are free: too little for a copy in DVC's cache, if it makes one", free / 1e6)
    return {split: create_array(folder / f"{split}.npy", shape, dtype) for split, shape in shapes.items()}


def write_about(folder: Path, photos: dict[str, str], **about: Any) -> None:
    """Write ``about.json``.

    Args:
        photos: of which photos the arrays are, as ``hash_paths`` returns it.
        about: the ``environment`` that computed them, or the ``augmentation`` that is left to the training.
    """
    write_json({"photos": photos, **about}, folder / "about.json")


def read_about(name: str) -> dict[str, Any]:
    """Read what ``write_about`` wrote of a set of features.

    Raises:
        UserError: The file is not there, or damaged.
    """
    with _explain_damage(name):
        return dict(json.loads((FEATURES / name / "about.json").read_text(encoding="utf-8")))


def open_arrays(name: str) -> dict[str, DiskArray]:
    """Open the arrays of the training and validation photos.

    Raises:
        UserError: The files are not there, or damaged.
    """
    with _explain_damage(name):
        return {split: open_array(FEATURES / name / f"{split}.npy") for split in ("train", "validation")}


def open_sample(name: str) -> np.ndarray:
    """Read the pixels of some validation photos (``sample_rows``), uint8, shaped (photos, height, width, 3).

    Raises:
        UserError: The file is not there, or damaged.
    """
    with _explain_damage(name):
        return np.asarray(np.load(FEATURES / name / f"{VALIDATION_SAMPLE}.npy"))


def open_features(name: str, lists: Lists) -> dict[str, DiskArray]:
    """Open a set of features for the photos in some lists.

    Raises:
        UserError: The files are not there or damaged, or of other photos.
    """
    if read_about(name)["photos"] != hash_paths(lists):
        raise UserError(
            f"{FEATURES / name}: expected features of the photos in {SPLITS}, received others': {remedy(name)}"
        )
    return open_arrays(name)


def hash_paths(lists: Lists) -> dict[str, str]:
    """Hash the paths of each list, in their order."""
    return {split: content_hash(photos["path"]) for split, photos in lists.items()}


def remedy(name: str) -> str:
    return f"run `dvc repro {PIXELS if name == PIXELS else f'features@{name}'}`"


@contextmanager
def _explain_damage(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"expected the features {error.filename}, found none: {remedy(name)}") from error
    except (ValueError, EOFError) as error:
        raise UserError(
            f"{FEATURES / name}: expected whole files, received damaged ones ({first_line(error)}): {remedy(name)}"
        ) from error
