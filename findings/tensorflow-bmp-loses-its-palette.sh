#!/usr/bin/env bash
# TensorFlow 2.21.0: decode_bmp() returns the indices of a BMP with a palette as shades of gray: red and blue are black.
#
# A BMP of 8 bits always has a palette, of 256 grays or of any colours. decode_bmp() skips it, so that pixels of a gray palette are right
# by chance, and of any other are the places of their colours in it, with one channel. decode_image(channels=3) repeats that channel
# three times, and image_dataset_from_directory() reads such photos so. PNG and GIF with a palette are right. Neither the
# documentation nor an issue describes it. Near to it: issue 13942 (closed: it asked for gray BMPs).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6 pillow==13.0.0 2>/dev/null
mkdir "$folder/photos"
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from pathlib import Path

import keras
import tensorflow as tf
from PIL import Image

print("TensorFlow", tf.__version__)
RED, BLUE = (255, 0, 0), (0, 0, 255)
photo = Image.new("P", (8, 8))
photo.putpalette([*RED, *BLUE, *[127] * 3 * 254])
photo.paste(1, (4, 0, 8, 8))  # red on the left, blue on the right


def ends(pixels):
    """Return the first and the last colour of a row of pixels."""
    return [tuple(int(value) for value in pixels[0, column]) for column in (0, -1)]


for name in ("photo.png", "photo.gif", "photo.bmp"):
    photo.save(name)
    opened = Image.open(name).convert("RGB")
    assert [opened.getpixel((column, 0)) for column in (0, 7)] == [RED, BLUE]
    seen = ends(tf.io.decode_image(Path(name).read_bytes(), channels=3, expand_animations=False))
    print(f"{name} - expected: {[RED, BLUE]}, as with Pillow - seen: {seen}")
    assert seen == ([(0, 0, 0), (1, 1, 1)] if name == "photo.bmp" else [RED, BLUE])

seen = ends(tf.io.decode_bmp(Path("photo.bmp").read_bytes()))
print("of decode_bmp:", seen)
assert seen == [(0,), (1,)]
photo.save("photos/photo.bmp")
[batch] = keras.utils.image_dataset_from_directory("photos", labels=None, image_size=(8, 8), verbose=False)
print("of image_dataset_from_directory:", ends(batch[0]))
assert ends(batch[0]) == [(0, 0, 0), (1, 1, 1)]
PYTHON
