#!/usr/bin/env bash
# mahotas 1.4.19: the local maxima of a crop, or of one channel of a photo, are not those of a copy of it.
#
# locmax(), locmin(), regmax() and regmin() step through memory as if the image were contiguous. A slice of an array is not: of a
# photo's red channel, neighbours are taken from green and blue, and of a crop, from what surrounds it. Most of the pixels that are
# marked are wrong, without a warning. The documentation asks for an array, and erode(), median_filter(), label(), otsu() and the
# features are right for the same slices.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mahotas==1.4.19 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import mahotas
import numpy as np
from scipy import ndimage

noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(float)
photo = (ndimage.gaussian_filter(noise, (3, 3, 0)) * 8 % 256).astype(np.uint8)
red = photo[..., 0].copy()
print("mahotas", mahotas.__version__)
for name, image in (("red channel", photo[..., 0]), ("crop", red[50:150, 50:150])):
    neighbours = ndimage.maximum_filter(image, footprint=ndimage.generate_binary_structure(2, 1))
    expected, seen = image == neighbours, mahotas.locmax(image)
    print(f"local maxima of a photo's {name} - expected: {expected.sum()} - seen: {seen.sum()}, of which {(seen & expected).sum()} are right")
    assert np.array_equal(mahotas.locmax(image.copy()), expected)
    assert not np.array_equal(seen, expected)
    for find in (mahotas.locmin, mahotas.regmax, mahotas.regmin):
        assert not np.array_equal(find(image), find(image.copy()))
    for other in (mahotas.erode, mahotas.median_filter, mahotas.sobel, mahotas.otsu):
        assert np.array_equal(other(image), other(image.copy()))
PYTHON
