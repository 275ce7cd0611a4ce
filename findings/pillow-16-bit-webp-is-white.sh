#!/usr/bin/env bash
# Pillow 13.0.0: a 16-bit grayscale image is white when it is saved as WebP, AVIF or GIF: all above 255 of 65,535 is cut off.
#
# These formats hold 8 bits, so save() converts the image to RGB or L, which cuts off instead of scaling. JPEG, BMP and TGA, which hold 8
# bits, too, refuse the image: "cannot write mode I;16 as JPEG". An image of floats of 0 to 1 becomes black likewise. PNG and TIFF keep 16
# bits.
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


def saved(image, name, **options):
    """Return the pixels of an image that was saved in a format and opened again, the first channel of them."""
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))[..., 0]


print("Pillow", PIL.__version__)
shades = np.linspace(0, 65535, 256 * 8).reshape(64, 32)
for name, options in {"WebP": {"lossless": True}, "AVIF": {"quality": 100}, "GIF": {}}.items():
    expected = saved(Image.fromarray((shades / 257).astype(np.uint8)), name, **options)
    assert abs(expected - shades / 257).max() < 3
    for values, color in ((shades.astype(np.uint16), "white"), ((shades / 65535).astype(np.float32), "black")):
        image = Image.fromarray(values)
        seen = saved(image, name, **options)
        share = np.mean(seen > 250 if color == "white" else seen < 5)
        print(f"{name} of mode {image.mode} - expected: shades of mean {expected.mean():.0f}, or an error"
              f" - seen: mean {seen.mean():.0f}, {share:.1%} {color}")
        assert share > 0.99
try:
    saved(Image.fromarray(shades.astype(np.uint16)), "JPEG")
except OSError as error:
    print("JPEG - an error:", error)
else:
    raise AssertionError("JPEG accepts the image")
PYTHON
