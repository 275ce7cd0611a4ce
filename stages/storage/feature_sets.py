"""The files of a set of features, as ``pixels`` and ``features`` write them. One missing or damaged is a UserError."""

import errno
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.common.cli import UserError, logger, plural
from stages.common.paths import ARCHITECTURE, FEATURES, PIXELS, SPLITS
from stages.storage.arrays import DiskArray, create_array, open_array
from stages.storage.files import content_hash, explain_unreadable, read_json

ABOUT, VALIDATION_SAMPLE = "about.json", "validation_sample.npy"
MAX_REFERENCE = 2_000  # photos per split: 5 MB with 1,280 channels


def sample_rows(photos: int) -> np.ndarray:
    """Sample the rows of the validation photos on which saved models are checked: at most 64, in random order."""
    return np.random.default_rng(0).permutation(photos)[:64]


def reference_rows(photos: int, seed: int) -> np.ndarray:
    """Sample the rows whose features are stored with a model for out-of-distribution detection, in ascending order."""
    return np.sort(np.random.default_rng(seed).permutation(photos)[:MAX_REFERENCE])


def create_arrays(folder: Path, shapes: Mapping[str, tuple[int, ...]], dtype: type) -> dict[str, DiskArray]:
    """Create an array for each split, and log its size; raise an OSError if the disk is too full."""
    needed, free = 0, shutil.disk_usage(folder).free
    for split, shape in shapes.items():
        size = math.prod(shape) * np.dtype(dtype).itemsize
        logger.info("%s.npy: %s of %s, %.1f MB", split, " x ".join(map(str, shape)), np.dtype(dtype), size / 1e6)
        needed += size
    if free < needed:
        room = f"{needed / 1e6:.1f} MB needed, {free / 1e6:.1f} MB free"
        raise OSError(errno.ENOSPC, f"{room}; fewer views or a smaller image_size need less")
    return {split: create_array(folder / f"{split}.npy", shape, dtype) for split, shape in shapes.items()}


def read_about(name: str) -> dict[str, Any]:
    """Read a set's description: ``hash_paths`` of its photos, their ``image_fit``, and of features the environment."""
    return read_json(FEATURES / name / ABOUT, dict, rebuild_advice(name))


def read_backbone(folder: Path) -> tuple[dict[str, Any], Path]:
    """Read the description of the backbone in a set of features, and find its weights."""
    with explain_unreadable(folder, rebuild_advice(folder.parent.name)):
        about = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))
        about["features"] = {key: about["features"][key] for key in ("name", "stop_before")}
        weights = list(folder.glob("*.h5"))
        if len(weights) != 1:
            raise ValueError(f"{plural(len(weights), 'file')} of weights")
        return {key: about[key] for key in ("backbone", "architecture", "options", "features")}, weights[0]


def features_key(name: str) -> str:
    """Hash the description and a sample of a set of features, for ``record_measurements``."""
    train = open_arrays(name)["train"]
    return content_hash([json.dumps(read_about(name)), str(train.shape), train[sample_rows(len(train))]])


def open_arrays(name: str) -> dict[str, DiskArray]:
    """Open the arrays of the training and validation photos."""
    with explain_unreadable(FEATURES / name, rebuild_advice(name)):
        return {split: open_array(FEATURES / name / f"{split}.npy") for split in ("train", "validation")}


def open_sample(name: str) -> np.ndarray:
    """Read the pixels of the validation photos at ``sample_rows``, uint8, shaped (photos, height, width, 3)."""
    if name == PIXELS:
        validation = open_arrays(name)["validation"]
        return validation[sample_rows(len(validation))]
    with explain_unreadable(FEATURES / name, rebuild_advice(name)):
        return np.asarray(np.load(FEATURES / name / VALIDATION_SAMPLE))


def open_features(name: str, lists: Mapping[str, pd.DataFrame]) -> dict[str, DiskArray]:
    """Open the arrays of a set of features; raise a UserError if they are not of the photos in ``lists``."""
    if read_about(name).get("photos") != hash_paths(lists):
        raise UserError(
            f"{FEATURES / name}: expected features of photos in {SPLITS}, received others: {rebuild_advice(name)}"
        )
    return open_arrays(name)


def hash_paths(lists: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    return {split: content_hash(photos["path"]) for split, photos in lists.items()}


def rebuild_advice(name: str) -> str:
    """Return how to compute a set of features again."""
    return f"run `dvc repro {PIXELS if name == PIXELS else f'features@{name}'}`"
