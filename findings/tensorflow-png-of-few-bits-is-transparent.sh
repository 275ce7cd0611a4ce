#!/usr/bin/env bash
# TensorFlow 2.21.0: decode_png(channels=4) makes an opaque PNG of 1, 2 or 4 bits nearly transparent: its alpha is 1, 3 or 15 of 255.
#
# Gray values and colours are scaled to 8 bits, but the alpha that is filled in for a file without one is the largest number of as many
# bits as the file has: 1 for a drawing in black and white or a palette of two colours. Of 8 and 16 bits it is right. With uint16 it is
# 257 of 65,535, as float32 0.004. decode_image() and the color_mode="rgba" of image_dataset_from_directory() share it.
# No issue of the project describes it.
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
for bits in (1, 2, 4, 8):
    image = Image.new("P", (8, 8))
    image.putpalette([shade for index in range(2**bits) for shade in (255 - index, 0, index)])  # the first colour is red
    image.save("palette.png", bits=bits)
    content = Path("palette.png").read_bytes()
    assert content[24:26] == bytes([bits, 3])  # the depth, and that there is a palette
    assert Image.open("palette.png").convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 255)
    seen = tf.io.decode_png(content, channels=4)[0, 0].numpy().tolist()
    print(f"{bits} bits - expected: [255, 0, 0, 255], as with Pillow - seen: {seen}")
    assert seen == [255, 0, 0, 2**bits - 1]

Image.new("1", (8, 8), 1).save("photos/drawing.png")
content = Path("photos/drawing.png").read_bytes()
sixteen, floats = (tf.io.decode_image(content, channels=4, dtype=dtype)[0, 0].numpy() for dtype in (tf.uint16, tf.float32))
print("white, 1 bit, as uint16:", sixteen, "- as float32:", floats)
assert sixteen.tolist() == [65_535, 65_535, 65_535, 257] and 0 < floats[3] < 0.004
[batch] = keras.utils.image_dataset_from_directory("photos", labels=None, color_mode="rgba", image_size=(8, 8), verbose=False)
print("of image_dataset_from_directory:", batch[0, 0, 0].numpy())
assert batch[0, 0, 0].numpy().tolist() == [255, 255, 255, 1]
PYTHON
