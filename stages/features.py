"""Compute what models train on: the photos as arrays, or the features that a frozen backbone makes of them.

Reads the paths of the training and validation photos, these photos, the backbone's weights, and from ``params.yaml``
an entry of ``features`` and ``train``. Writes ``data/features/NAME/train.npy`` and ``validation.npy``, rows in the
order of the lists: photos as uint8 in 0..255, shaped (photos, height, width, 3); features as float16, the training
photos' in ``views``, all photos' first view, then their second, and so on. ``about.json`` beside them has a hash of
the lists, and the versions and hardware that computed the features.

    python -m stages.features [NAME]    # without NAME, the one in DVC's stage name features@NAME
"""

import errno
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
from stages.datasets.stored import write_about
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
    lists = {split: read_split(f"{split}_paths") for split in ("train", "validation")}
    with atomic_folder(FEATURES / name, replace=True) as folder:
        if params.features[name].backbone == "none":
            environment = write_pixels(lists, params.image_size, folder)
        else:
            environment = write_features(name, params, lists, folder)
        write_about(folder, lists, environment)


def write_pixels(lists: dict[str, pd.DataFrame], image_size: tuple[int, int], folder: Path) -> list[str]:
    """Write the photos themselves, and return what their values depend on besides: nothing worth a note."""
    shapes = {split: (len(photos), *image_size, 3) for split, photos in lists.items()}
    check_room(shapes, np.uint8, folder)
    for split, photos in lists.items():
        decode_photos(list(photos["path"]), create_array(folder / f"{split}.npy", shapes[split], np.uint8))
    return []


def write_features(name: str, params: Params, lists: dict[str, pd.DataFrame], folder: Path) -> list[str]:
    """Write what a frozen backbone makes of the photos, and return the versions and hardware that computed it."""
    # Here, as TensorFlow takes seconds to load, and the photos themselves do without.
    from stages.datasets.features import FeatureDataset, feature_extractor, store_features
    from stages.models.backbone import load_backbone, split_network
    from stages.models.environment import describe_environment
    from stages.models.precision import set_precision
    from stages.models.runtime import make_deterministic

    features, image_size = params.features[name], params.image_size
    make_deterministic(features.seed)
    precision = set_precision(params.train.precision, has_backbone=True)
    logger.info("precision: %s", precision)
    preprocessing, network = load_backbone(features.backbone, image_size)
    if features.stop_before:
        network, _ = split_network(network, features.stop_before, f"features.{name}.stop_before")
    extractor = feature_extractor(preprocessing, network)

    views = {"train": features.views, "validation": 1}
    shapes = {split: (views[split] * len(lists[split]), *network.output_shape[1:]) for split in lists}
    check_room(shapes, np.float16, folder, besides=sum(map(len, lists.values())) * math.prod((*image_size, 3)))
    for split, photos in lists.items():
        pixels = StoredDataset(load_pixels(list(photos["path"]), image_size), np.zeros(len(photos)))
        seen = augmented_dataset(pixels, features, features.seed) if split == "train" else pixels
        array = create_array(folder / f"{split}.npy", shapes[split], np.float16)
        try:
            store_features(FeatureDataset(seen, extractor), array, f"{split} features")
        except OverflowError as error:
            raise UserError(
                f"features.{name}: expected numbers up to {np.finfo(np.float16).max:g}, received {error}: use another "
                "stop_before or backbone or train.precision, or train on pixels"
            ) from error
    return [*describe_environment(), f"precision {precision}"]


def check_room(shapes: Mapping[str, tuple[int, ...]], dtype: type, folder: Path, besides: int = 0) -> None:
    """Log how large the arrays will be.

    Args:
        besides: bytes that the step needs besides for a while.

    Raises:
        OSError: The disk has not room for them.
    """
    sizes = {split: math.prod(shape) * np.dtype(dtype).itemsize for split, shape in shapes.items()}
    for split, shape in shapes.items():
        shown = " x ".join(map(str, shape))
        logger.info("%s.npy: %s of %s, %.1f MB", split, shown, np.dtype(dtype), sizes[split] / 1e6)
    needed, free = sum(sizes.values()), shutil.disk_usage(folder).free
    if free < needed + besides:
        numbers = f"{(needed + besides) / 1e6:.1f} MB needed, {free / 1e6:.1f} MB free"
        raise OSError(errno.ENOSPC, f"{numbers}; lower views or image_size need less")
    if free < 2 * needed:
        logger.warning("%.1f MB are free: too little for a copy in DVC's cache, if it makes one", free / 1e6)


if __name__ == "__main__":
    run(main)
