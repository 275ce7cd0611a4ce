#!/usr/bin/env bash
# Pillow 13.0.0: the composite of two float images is neither of them nor between them: of 0.25 and 0.75 at one half it is 0.21875.
#
# Image.composite() and paste() with a mask of mode L blend the four bytes of a float one by one, as if each were a pixel. So does
# mode I: of 1,000 and -1,000 it makes 2,139,062,144. Where the mask is 0 or 255 the result is right. Float images are heat maps, depth
# or disparity. Image.blend() refuses both modes. The documentation of composite() asks only that both images have the same mode.
# No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__)
for first, second, dtype in ((0.25, 0.75, np.float32), (1_000, -1_000, np.int32), (40, 200, np.uint8)):
    upper, lower = (Image.fromarray(np.full((4, 4), value, dtype)) for value in (first, second))
    for opacity in (0, 64, 128, 255):
        mask = Image.new("L", (4, 4), opacity)
        pasted = lower.copy()
        pasted.paste(upper, (0, 0), mask)
        seen = Image.composite(upper, lower, mask).getpixel((0, 0)), pasted.getpixel((0, 0))
        expected = (first * opacity + second * (255 - opacity)) / 255
        print(f"mode {upper.mode}, {first} over {second}, opacity {opacity} of 255 - expected: {expected:.6g}", end=" - ")
        print("seen of composite and paste:", *seen)
        between = min(first, second) <= seen[0] <= max(first, second)
        right = abs(seen[0] - expected) <= abs(first - second) / 100
        assert seen[0] == seen[1]
        assert right if dtype == np.uint8 or opacity in (0, 255) else not right
        if opacity == 128 and dtype != np.uint8:
            assert not between
PYTHON
