"""Extract features from the photos with a frozen backbone.

Reads the decoded photos in ``data/features/pixels/``, the backbone's weights, and from ``params.yaml`` an entry of
``features``. Writes into ``data/features/NAME/``:

    train.npy, validation.npy    features, float16, in the order of the photos, of
                                 training photos view after view; with ``pooling``
                                 their means over height and width, float32
    backbone/                    a copy for the models that train on the features
    validation_sample.npy        pixels on which saved models are checked
    about.json                   a hash of the photos, their image_fit, the environment

On a cluster, the variable ``FEATURE_STORE`` names a module whose ``store`` takes the place of ``store_features``.
"""

import importlib
import os
import time
from pathlib import Path

import numpy as np

from stages.common.cli import UserError, run
from stages.common.machine import record_measurements
from stages.common.model_config import Augmentation, Features
from stages.common.params import load_entry
from stages.common.paths import FEATURES, PIXELS
from stages.datasets.dataset import Dataset
from stages.datasets.feature_extraction import feature_extractor, store_features
from stages.models.pretrained import copy_backbone, load_backbone
from stages.models.runtime import make_deterministic
from stages.storage import feature_sets
from stages.storage.arrays import create_array
from stages.storage.files import atomic_folder, write_json


def main() -> None:
    name, params = load_entry(__doc__, "features")
    features = params.features[name]
    about = feature_sets.read_about(PIXELS)
    with atomic_folder(FEATURES / name, replace=True) as folder:
        copy_backbone(features.backbone, folder / "backbone", name, features.stop_before)
        sample = feature_sets.open_sample(PIXELS)
        # Not by np.save, whose error on a full disk has no errno.
        create_array(folder / feature_sets.VALIDATION_SAMPLE, sample.shape, np.uint8).write(0, sample)
        about["environment"] = extract_features(name, features, folder)
        write_json(about, folder / feature_sets.ABOUT)
    if "FEATURE_STORE" not in os.environ:
        record_measurements(f"features@{name}", feature_sets.features_key(name), features_s=time.process_time())


def extract_features(name: str, features: Features, folder: Path) -> list[str]:
    """Write the features of all photos, and return the environment that computed them."""
    module = os.environ.get("FEATURE_STORE")
    store = importlib.import_module(module).store if module else store_features
    make_deterministic(features.seed)
    pixels = feature_sets.open_arrays(PIXELS)
    _, height, width, _ = pixels["train"].shape
    backbone = load_backbone(folder / "backbone", (height, width))
    extractor = feature_extractor(backbone.preprocessing, backbone.network, pooled=bool(features.pooling))

    views = {"train": features.views, "validation": 1}
    shapes = {split: (views[split] * len(pixels[split]), *extractor.output_shape[1:]) for split in pixels}
    # Rounding to float16 averages out over a map, but could hide how pooled features that hardly vary differ.
    arrays = feature_sets.create_arrays(folder, shapes, np.float32 if features.pooling else np.float16)
    for split in pixels:
        augmentation = features if split == "train" else Augmentation()
        photos = Dataset(pixels[split], np.zeros(len(pixels[split])), augmentation, features.seed)
        try:
            environment = store(photos, extractor, arrays[split], f"{split} features")
        except OverflowError as error:
            raise UserError(
                f"features.{name}: expected numbers up to {np.finfo(arrays[split].dtype).max:g}, received {error}: use "
                "another stop_before or backbone, or train on pixels"
            ) from error
    return list(environment)


if __name__ == "__main__":
    run(main)
