#!/usr/bin/env bash
# Pillow 13.0.0: paste() of a colour into a 16-bit grayscale image fills the box with another: with 20,560 instead of 50,000.
#
# In mode I;16 the low byte of the colour is written twice: 50,000 is 0xC350, and 0x5050 is 20,560; 256 becomes black, and 4,095 white.
# The same paste() with a mask of mode L that is 255 throughout is right, as are Image.new(), putpixel(), ImageDraw's rectangle(), and
# paste() of an image. So boxes that are blanked out, as random erasing does, get a wrong grey. Near to it:
# issue 7245, fixed, of ImageDraw. No issue of the project describes it of paste().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import PIL
from PIL import Image, ImageDraw

print("Pillow", PIL.__version__)
box = (0, 0, 4, 4)
for grey in (200, 256, 1_000, 4_095, 50_000, 65_535):
    pasted, masked, binary, drawn, whole = (Image.new("I;16", (8, 8)) for _ in range(5))
    pasted.paste(grey, box)
    binary.paste(grey, box, Image.new("1", (4, 4), 1))
    masked.paste(grey, box, Image.new("L", (4, 4), 255))
    ImageDraw.Draw(drawn).rectangle(box, fill=grey)
    whole.paste(Image.new("I;16", (4, 4), grey), box)
    right = [image.getpixel((1, 1)) for image in (masked, drawn, whole)]
    seen = pasted.getpixel((1, 1)), binary.getpixel((1, 1))
    print(f"expected: {grey}, as of a mask of mode L, a rectangle and an image: {right} - seen of paste(grey, box): {seen[0]}", end=", ")
    print(f"with a mask of mode 1: {seen[1]}")
    assert set(right) == {grey}
    assert set(seen) == {grey % 256 * 257}
PYTHON
