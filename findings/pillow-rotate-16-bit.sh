#!/usr/bin/env bash
# Pillow 13.0.0: rotating a 16-bit grayscale image with interpolation makes it nearly black.
#
# rotate() and transform() of mode I;16 with BILINEAR or BICUBIC return values below 256: the two bytes of a pixel are interpolated as
# if each were a pixel. NEAREST is right, as is resize() with the same filters, and so are the modes I and F. The documentation
# lists I;16 under "limited support", but what is not supported is an error elsewhere, "image has wrong mode". Near to it: Pillow
# issue 1127 (closed: a perspective transform of I;16 is black).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import PIL
from PIL import Image

gray = Image.fromarray(np.full((40, 40), 50_000, np.uint16))
affine = (1, 0.1, 0.3, -0.1, 1, 0.2)


def middle(image):
    """Return the range of the values in the middle of an image, away from what a rotation brings in."""
    values = np.asarray(image)[15:25, 15:25]
    return int(values.min()), int(values.max())


print("Pillow", PIL.__version__, "- mode", gray.mode)
for resample in (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC):
    rotated = middle(gray.rotate(10, resample))
    transformed = middle(gray.transform(gray.size, Image.Transform.AFFINE, affine, resample))
    expected = middle(gray.convert("I").rotate(10, resample))
    print(f"{resample.name} - expected, as of mode I: {expected} - seen of rotate: {rotated}, of transform: {transformed}")
    assert expected == (50_000, 50_000)
    assert middle(gray.resize((50, 50), resample)) == expected
    if resample == Image.Resampling.NEAREST:
        assert rotated == transformed == expected
    else:
        assert max(rotated) < 256 and max(transformed) < 256
PYTHON
