#!/usr/bin/env bash
# mahotas 1.4.19: the opening of an image with black pixels is white around them, if its integers are signed as NumPy's are by default.
#
# An opening never exceeds its image. open() erodes, which makes -1 of 0, then dilates, and dilate() takes every negative pixel for an
# overflow: -1 becomes the largest number of its type, 9,223,372,036,854,775,807 in int64. Also, the default structuring element, a cross,
# counts as a square of two heights, as only the smallest number of the type is outside of it. Unsigned images are opened as by SciPy.
# The documentation says that erode() and dilate() interpret that smallest number as infinite, and names no types.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mahotas==1.4.19 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import mahotas
import numpy as np
from scipy import ndimage

print("mahotas", version("mahotas"))
photo = np.full((9, 9), 100)
photo[4, 4] = 0
cross = ndimage.generate_binary_structure(2, 1)
for dtype in ("uint8", "int16", "int32", "int64"):
    image = photo.astype(dtype)
    expected = ndimage.grey_opening(image, footprint=cross)
    seen = mahotas.open(image)
    print(f"opening in {dtype} - expected: {np.unique(expected).tolist()} - seen: {np.unique(seen).tolist()}", end=", ")
    below_zero = mahotas.dilate(np.full_like(image, -5)) if dtype != "uint8" else None
    print("dilation of -5:", None if below_zero is None else np.unique(below_zero).tolist())
    if dtype == "uint8":
        assert np.array_equal(seen, expected)
    else:
        largest = np.iinfo(dtype).max
        assert expected.max() == 100 and seen.max() == largest and np.sum(seen == largest) == 21 and np.all(below_zero == largest)
PYTHON
