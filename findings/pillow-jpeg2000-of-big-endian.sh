#!/usr/bin/env bash
# Pillow 13.0.0: a 16-bit grayscale image in big-endian byte order is saved as JPEG 2000 with the bytes of each pixel exchanged.
#
# Opening a TIFF of ImageJ, for example, gives such an image, of mode I;16B. Saved as JPEG 2000, 256 is read as 1 and 1 as 256, so a smooth
# image is noise, without an error. PNG and TIFF keep its pixels; PPM refuses the mode. An image in little-endian order, I;16, is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import io

import numpy as np
import PIL
from PIL import Image


def saved(image, name):
    """Return the image as it is opened after it was saved in a format."""
    buffer = io.BytesIO()
    image.save(buffer, name)
    return Image.open(buffer)


print("Pillow", PIL.__version__)
pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
big_endian = Image.fromarray(pixels.astype(">u2"))
assert big_endian.mode == "I;16B" and saved(big_endian, "TIFF").mode == "I;16B"
assert np.array_equal(np.asarray(saved(Image.fromarray(pixels), "JPEG2000")), pixels)
for name in ("PNG", "TIFF"):
    assert np.array_equal(np.asarray(saved(big_endian, name)), pixels)
for image, words in ((big_endian, "an array"), (saved(big_endian, "TIFF"), "a TIFF")):
    seen = np.asarray(saved(image, "JPEG2000"))
    print(f"JPEG 2000 of {words} - expected: {pixels[0, :4].tolist()} - seen: {seen[0, :4].tolist()}")
    assert np.array_equal(seen, pixels.byteswap())
PYTHON
