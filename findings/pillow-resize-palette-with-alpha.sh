#!/usr/bin/env bash
# Pillow 13.0.0: resize(), thumbnail() and reduce() make an image black whose palette comes with an alpha channel.
#
# putalpha() turns an image with a palette, mode P, into mode PA, which is also what a TIFF of a palette and alpha opens as. resize()
# falls back to NEAREST for P, because indices of colours cannot be averaged, but not for PA: it averages indices, and leaves the palette
# out, so each pixel is black. So do MedianFilter and other filters, which refuse mode P. crop(), transpose() and resize() with
# NEAREST keep the colours. Near to it: issue 1600 (closed: of the same mode). No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import PIL
from PIL import Image, ImageFilter, ImageOps

print("Pillow", PIL.__version__)
logo = Image.new("P", (64, 64))
logo.putpalette([255, 0, 0, 0, 0, 255])
logo.paste(1, (32, 0, 64, 64))  # red on the left, blue on the right
logo.putalpha(200)
logo.save("logo.tif")


def colours(image):
    """Return the colours of the first and the last pixel."""
    rgba = image.convert("RGBA")
    return rgba.getpixel((0, 0)), rgba.getpixel((rgba.width - 1, 0))


def thumbnail(image):
    image.thumbnail((16, 16))
    return image


RIGHT = (255, 0, 0, 200), (0, 0, 255, 200)
BLACK = (0, 0, 0, 200), (0, 0, 0, 200)
opened = Image.open("logo.tif")
print("mode:", logo.mode, "- as TIFF:", opened.mode, "- its colours:", *colours(opened))
assert logo.mode == opened.mode == "PA"
assert colours(logo) == colours(opened) == RIGHT
for name, function, seen in [
    ("crop", lambda image: image.crop((8, 8, 56, 56)), RIGHT),
    ("resize with NEAREST", lambda image: image.resize((16, 16), Image.Resampling.NEAREST), RIGHT),
    ("resize", lambda image: image.resize((16, 16)), BLACK),
    ("thumbnail", thumbnail, BLACK),
    ("reduce", lambda image: image.reduce(4), BLACK),
    ("ImageOps.fit", lambda image: ImageOps.fit(image, (16, 16)), BLACK),
    ("MedianFilter", lambda image: image.filter(ImageFilter.MedianFilter(3)), BLACK),
]:
    print(f"{name} - expected, as of RGBA:", *colours(function(logo.convert("RGBA"))), "- seen:", *colours(function(logo.copy())))
    assert colours(function(logo.convert("RGBA"))) == RIGHT
    assert colours(function(logo.copy())) == seen
    assert colours(function(Image.open("logo.tif"))) == seen

plain = Image.new("P", (64, 64))
plain.putpalette([255, 0, 0])
print("of mode P, without alpha, resize keeps the colour:", colours(plain.resize((16, 16)))[0])
assert colours(plain.resize((16, 16)))[0] == (255, 0, 0, 255)
PYTHON
