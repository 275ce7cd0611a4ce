"""Compute what models train on: the photos as arrays, or the features that a frozen backbone makes of them.

Reads the training and validation lists, their photos, the backbone's weights, and from ``params.yaml`` an entry of
``features`` and ``train``. Writes ``data/features/NAME/train.npy`` and ``validation.npy``, rows in the order of the
lists: photos as uint8 in 0..255, shaped (photos, height, width, 3); features as float16, the training photos' in
``views`` versions, all photos' first, then their second, and so on.

    python -m stages.features [NAME]    # without NAME, the one in DVC's stage name features@NAME
"""

import logging
import math
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stages.common.files import atomic_folder
from stages.common.params import Params, load_params
from stages.common.paths import FEATURES
from stages.common.program import UserError, run, stage_argument
from stages.datasets.dataset import StoredDataset, augmented_dataset
from stages.photos.arrays import create_array, decode_photos, load_pixels
from stages.photos.lists import read_split

logger = logging.getLogger(__name__)


def main() -> None:
    name = stage_argument(__doc__, "name")
    params = load_params()
    if name not in params.features:
        raise UserError(
            f"expected `python -m stages.features NAME` with a set of params.yaml ({', '.join(params.features)}), "
            f"received {name!r}"
        )
    lists = {split: read_split(split) for split in ("train", "validation")}
    shutil.rmtree(FEATURES / name, ignore_errors=True)  # of an earlier run without DVC
    with atomic_folder(FEATURES / name) as folder:
        if params.features[name].backbone == "none":
            write_pixels(lists, params.train.image_size, folder)
        else:
            write_features(name, params, lists, folder)


def write_pixels(lists: dict[str, pd.DataFrame], image_size: tuple[int, int], folder: Path) -> None:
    """Write the photos themselves."""
    shapes = {split: (len(photos), *image_size, 3) for split, photos in lists.items()}
    check_room(shapes, np.uint8, folder)
    for split, photos in lists.items():
        decode_photos(list(photos["path"]), create_array(folder / f"{split}.npy", shapes[split], np.uint8))


def write_features(name: str, params: Params, lists: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write what a frozen backbone makes of the photos."""
    # Here, as TensorFlow takes seconds to load, and the photos themselves do without.
    from stages.datasets.features import FeatureDataset, feature_extractor, store_features
    from stages.models.backbone import load_backbone, split_network
    from stages.models.precision import set_precision
    from stages.models.runtime import make_deterministic

    features, image_size = params.features[name], params.train.image_size
    make_deterministic(features.seed, params.train.threads)
    logger.info("precision: %s", set_precision(params.train.precision, has_backbone=True))
    preprocessing, network = load_backbone(features.backbone, image_size)
    if features.stop_before:
        network, _ = split_network(network, features.stop_before, f"features.{name}.stop_before")
    extractor = feature_extractor(preprocessing, network)

    views = {"train": features.views, "validation": 1}
    shapes = {split: (views[split] * len(lists[split]), *network.output_shape[1:]) for split in lists}
    check_room(shapes, np.float16, folder)
    for split, photos in lists.items():
        pixels = StoredDataset(load_pixels(list(photos["path"]), image_size), np.zeros(len(photos)))
        seen = augmented_dataset(pixels, features, features.seed) if split == "train" else pixels
        array = create_array(folder / f"{split}.npy", shapes[split], np.float16)
        try:
            store_features(FeatureDataset(seen, extractor), array, f"{split} features")
        except OverflowError as error:
            raise UserError(
                f"features.{name}: expected features up to {np.finfo(np.float16).max:g}, received more: {error}: use "
                "another stop_before or backbone, or train on pixels"
            ) from error


def check_room(shapes: Mapping[str, tuple[int, ...]], dtype: type, folder: Path) -> None:
    """Log how large the arrays will be.

    Raises:
        UserError: The disk has not room for them.
    """
    needed = 0
    for split, shape in shapes.items():
        size = math.prod(shape) * np.dtype(dtype).itemsize
        needed += size
        logger.info("%s.npy: %s of %s, %.1f MB", split, " x ".join(map(str, shape)), np.dtype(dtype), size / 1e6)
    and_cache = ""
    if Path(".dvc/cache").exists():
        needed, and_cache = 2 * needed, " and its copy in DVC's cache"
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"expected {needed / 1e6:.1f} MB of free disk for {FEATURES / folder.name}{and_cache}, received "
            f"{free / 1e6:.1f}: free some, or lower views or train.image_size"
        )


if __name__ == "__main__":
    run(main)
