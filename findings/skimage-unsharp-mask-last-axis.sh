#!/usr/bin/env bash
# scikit-image 0.26.0: unsharp_mask(channel_axis=-1) sharpens three rows of a photo and leaves all others unset.
#
# channel_axis is "which axis of the array corresponds to channels", so that -1 and 2 name the same axis of a photo. A negative one is
# taken for the first: rows 0, 1 and 2 are sharpened as if they were channels, and all further ones are never computed, and mostly black,
# without a warning. gaussian() takes -1. Known as a black image: scikit-image issue 7264, open since 2023.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import skimage
from skimage.filters import gaussian, unsharp_mask

photo = np.random.default_rng(0).integers(50, 200, (200, 200, 3), np.uint8)
expected, seen = (unsharp_mask(photo, channel_axis=axis) for axis in (2, -1))
print("scikit-image", skimage.__version__)
print(f"mean of the sharpened photo - expected, as of axis 2: {expected.mean():.3f} - seen of axis -1: {seen.mean():.3f}", end=", ")
print("rows that are sharpened alike:", int(np.isclose(seen, expected).all(axis=(1, 2)).sum()), "of", len(photo))
assert abs(expected.mean() - 0.49) < 0.01
assert not np.isclose(seen, expected).all(axis=(1, 2)).any()
for row in range(3):
    assert np.allclose(seen[row], unsharp_mask(photo[row]))
assert np.array_equal(gaussian(photo, channel_axis=2), gaussian(photo, channel_axis=-1))
PYTHON
