#!/usr/bin/env bash
# tifffile 2026.3.3: masks of three classes, saved as a bool image with three channels, come back with nearly half of the pixels wrong.
#
# imwrite() stores bool in one bit each. In an image with channels it packs eight neighbours of one channel in a byte, whereas TIFF, and
# imread(), have the channels of a pixel side by side. Neither warns. The same masks in planes, as uint8 or one by one are right.
# imageio.v3.imwrite() writes such an image by tifffile, as RGB, so it is concerned, too. The documentation speaks of bilevel images, and
# of no such limit. No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tifffile==2026.3.3 imageio==2.38.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import imageio.v3 as iio
import numpy as np
import tifffile

print("tifffile", tifffile.__version__)
masks = np.random.default_rng(0).random((24, 32, 3)) > 0.5
planes = np.moveaxis(masks, -1, 0).copy()
for name, image, options in [
    ("three channels", masks, {"photometric": "rgb"}),
    ("two channels", masks[..., :2], {"photometric": "minisblack", "planarconfig": "contig"}),
    ("three planes", planes, {"photometric": "rgb", "planarconfig": "separate"}),
    ("three channels of uint8", masks.astype(np.uint8), {"photometric": "rgb"}),
    ("one channel", masks[..., 0], {}),
]:
    tifffile.imwrite("masks.tif", image, **options)
    seen = tifffile.imread("masks.tif")
    wrong = (seen != image).mean()
    print(f"{name} - expected: 0 % of the pixels changed - seen: {wrong:.0%}")
    assert seen.shape == image.shape and seen.dtype == image.dtype
    assert 0.3 < wrong < 0.7 if name in ("three channels", "two channels") else wrong == 0
iio.imwrite("masks.tif", masks)
assert not np.array_equal(iio.imread("masks.tif"), masks)
PYTHON
