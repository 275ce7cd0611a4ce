#!/usr/bin/env bash
# imagecodecs 2026.3.6: the background of a uint32 label image, 0, is 1 after lossless compression as JPEG 2000.
#
# jpeg2k_encode() and tifffile's imwrite(compression="jpeg2000") are lossless unless told otherwise. Of uint32 they make 1 of most zeros,
# which is what segmentation tools write for the background, so that the first object grows by nearly all of it, and 2 of some ones.
# uint8, uint16 and int32 of the same labels come back as they were. Nothing warns. Near to it: issue 153 (closed: lossy compression of
# uint32 of 12 bits).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imagecodecs==2026.3.6 tifffile==2026.3.3 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import imagecodecs
import numpy as np
import tifffile

print("imagecodecs", imagecodecs.__version__)
labels = np.zeros((64, 64), np.uint32)
labels[10:20, 10:20], labels[30:40, 30:40] = 1, 2
for dtype in (np.uint8, np.uint16, np.int32, np.uint32):
    image = labels.astype(dtype)
    tifffile.imwrite("labels.tif", image, compression="jpeg2000")
    by_tifffile, seen = tifffile.imread("labels.tif"), imagecodecs.jpeg2k_decode(imagecodecs.jpeg2k_encode(image))
    expected, counts = np.bincount(image.ravel()).tolist(), np.bincount(seen.ravel()).tolist()
    print(f"pixels of the labels 0, 1 and 2 in {image.dtype} - expected: {expected} - seen: {counts}")
    assert seen.dtype == by_tifffile.dtype == image.dtype and np.array_equal(by_tifffile, seen)
    assert counts == expected if dtype != np.uint32 else counts[0] < 200 and counts[1] > 3700
PYTHON
