#!/usr/bin/env bash
# libvips 8.18.7 (pyvips 3.2.0): a red TIFF is blue, if its colours are stored as YCbCr and not compressed, or compressed by LZW.
#
# libvips reads luminance and the two differences of colour as if they were red, green and blue, and calls the result srgb. So do
# thumbnail() and all that is saved from it. Compressed by JPEG, the same colours are right, as it asks libtiff to convert them then;
# Pillow and OpenCV convert both. YCbCr is part of the TIFF standard for any compression. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyvips==3.2.0 pyvips-binary==8.18.7 pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import pyvips
from PIL import Image

print("libvips", ".".join(str(pyvips.version(part)) for part in range(3)), "pyvips", pyvips.__version__)
RED, BLUE = (200, 30, 30), (30, 30, 200)
photo = Image.new("RGB", (64, 64), RED)
photo.paste(BLUE, (32, 0, 64, 64))
photo.convert("YCbCr").save("uncompressed.tif")
photo.convert("YCbCr").save("lzw.tif", compression="tiff_lzw")
photo.convert("YCbCr").save("jpeg.tif", compression="jpeg", quality=95)


def ends(pixels):
    """Return the first and the last colour of a row of pixels."""
    return [tuple(int(value) for value in pixels[0, column]) for column in (0, -1)]


def is_right(colours):
    return np.abs(np.subtract(colours, [RED, BLUE])).max() < 5


for name in ("jpeg.tif", "uncompressed.tif", "lzw.tif"):
    with_pillow = ends(np.asarray(Image.open(name).convert("RGB")))
    with_opencv = ends(cv2.imread(name)[..., ::-1])
    image = pyvips.Image.new_from_file(name)
    seen = ends(image.numpy())
    print(f"{name} - expected: {[RED, BLUE]}, as with Pillow: {with_pillow} and OpenCV: {with_opencv} - seen: {seen}, {image.interpretation}")
    assert Image.open(name).tag_v2[262] == 6  # the photometric interpretation: YCbCr
    assert is_right(with_pillow) and is_right(with_opencv)
    assert image.interpretation == "srgb"
    assert is_right(seen) == is_right(ends(pyvips.Image.thumbnail(name, 8).numpy())) == (name == "jpeg.tif")
    if name != "jpeg.tif":
        assert seen[0][2] > 200 and seen[0][0] < 90  # what is red has become blue
PYTHON
