"""Decode the training and validation photos once, for all models and features.

Reads the paths of these photos, the photos, and from ``params.yaml`` ``image_size`` and ``image_fit``. Writes
into ``data/features/pixels/`` ``train.npy`` and ``validation.npy``: uint8 in 0..255, shaped (photos, height, width, 3),
rows in the order of the lists; and ``about.json`` with a hash of the lists and ``image_fit``.
"""

import numpy as np

from stages.common.cli import run
from stages.common.params import load_params
from stages.common.paths import FEATURES, PIXELS
from stages.photos.decode import decode_photos
from stages.storage.feature_sets import ABOUT, create_arrays, hash_paths
from stages.storage.files import atomic_folder, write_json
from stages.storage.photo_lists import read_list


def main() -> None:
    params = load_params()
    lists = {split: read_list(f"{split}_paths") for split in ("train", "validation")}
    with atomic_folder(FEATURES / PIXELS, replace=True) as folder:
        shapes = {split: (len(photos), *params.image_size, 3) for split, photos in lists.items()}
        arrays = create_arrays(folder, shapes, np.uint8)
        for split, photos in lists.items():
            decode_photos(list(photos["path"]), arrays[split], params.image_fit)
        write_json({"photos": hash_paths(lists), "image_fit": params.image_fit}, folder / ABOUT)


if __name__ == "__main__":
    run(main, __doc__)
