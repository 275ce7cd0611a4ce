"""Decode every file once: a thumbnail of each photo, and why other files are not usable photos.

Reads the photos in ``data/raw/``. Writes into ``data/thumbnails/``:

    files.csv         path,problem: every file, sorted by path, and why it is not a
                      usable photo, or ""
    thumbnails.npy    uint8, shaped (files, 3, 32, 32), zeros for other files: `split`
                      finds duplicates by them
    shards.json       the sizes of the shards that the photos were in
"""

import numpy as np
import pandas as pd
from PIL import Image

from stages.common.cli import UserError, logger, run
from stages.common.parallel import map_in_parallel
from stages.common.params import load_params
from stages.common.paths import RAW, SHARD, THUMBNAILS
from stages.photos.decode import MORE_FRAMES, UnreadablePhotoError, open_photo
from stages.photos.shards import packed_photos
from stages.storage.arrays import create_array
from stages.storage.files import atomic_folder, write_csv, write_json
from stages.storage.non_photos import file_sizes

SIDE = 32  # of a thumbnail, in pixels
DECODED_SIZE = 128  # in pixels: a large JPEG is decoded at a reduced size, which still exceeds a thumbnail's


def main() -> None:
    max_megapixels = load_params().split.max_megapixels
    if not (RAW / SHARD.format(1)).exists():
        raise UserError(f"expected photos in {RAW}, found none: run `dvc repro download`")
    paths = sorted(packed_photos(RAW))
    with_more_frames: list[str] = []
    with atomic_folder(THUMBNAILS, replace=True) as folder:
        thumbnails = create_array(folder / "thumbnails.npy", (len(paths), 3, SIDE, SIDE), np.uint8)

        def inspect(index: int) -> str:
            try:
                photo = open_photo(paths[index], DECODED_SIZE, max_megapixels)
            except UnreadablePhotoError as error:
                return str(error)
            if photo.info[MORE_FRAMES]:
                with_more_frames.append(paths[index])
            thumbnails.write(index, make_thumbnail(photo))
            return ""

        problems = map_in_parallel(inspect, range(len(paths)), "checking photos")
        write_json(file_sizes(RAW), folder / "shards.json")
        write_csv(pd.DataFrame({"path": paths, "problem": problems}), folder / "files.csv")
    if with_more_frames:
        text = "files with more pages or frames than the first, the only one that is read: %d, such as %s"
        logger.warning(text, len(with_more_frames), min(with_more_frames))


def make_thumbnail(photo: Image.Image) -> np.ndarray:
    """Resize a photo in RGB to a thumbnail, uint8, shaped (3, 32, 32)."""
    thumbnail = photo.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3)  # the gap makes it faster
    return np.asarray(thumbnail).transpose(2, 0, 1)


if __name__ == "__main__":
    run(main, __doc__)
