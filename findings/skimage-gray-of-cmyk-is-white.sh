#!/usr/bin/env bash
# scikit-image 0.26.0: imread(as_gray=True) returns a white image for a CMYK JPEG, whatever is on it.
#
# Pillow hands on the four inks, and scikit-image takes any four channels for red, green, blue and alpha: the black ink becomes the
# opacity. A photo without black ink, such as Pillow makes of RGB, is then transparent throughout, and on a white background nothing is
# left of it; with black ink a pale negative is. The same photo in RGB is right. The documentation of as_gray speaks of color images,
# and of no inks. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-image==0.26.0 pillow==13.0.0 numpy==2.4.6 imageio==2.38.1 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import skimage
from PIL import Image
from skimage.io import imread

print("scikit-image", skimage.__version__)
ramp = np.add.outer(np.arange(64), 2 * np.arange(64)).astype(np.uint8)  # 0 to 189
photo = Image.fromarray(np.stack([ramp, 189 - ramp, ramp[::-1]], axis=-1))
photo.save("rgb.jpg", quality=95)
photo.convert("CMYK").save("cmyk.jpg", quality=95)
assert np.abs(np.asarray(photo, int) - np.asarray(Image.open("cmyk.jpg").convert("RGB"), int)).max() < 20

right, seen = imread("rgb.jpg", as_gray=True), imread("cmyk.jpg", as_gray=True)
print(f"expected: {right.min():.2f} to {right.max():.2f}, as of RGB - seen of CMYK: {seen.min():.2f} to {seen.max():.2f}")
assert right.min() < 0.4 and right.max() > 0.5
assert seen.min() > 0.98

inks = np.asarray(photo.convert("CMYK"))
black = inks[..., :3].min(axis=-1, keepdims=True) // 2  # half of what the three inks share is printed black
Image.fromarray(np.concatenate([inks[..., :3] - black, black], axis=-1), "CMYK").save("black.jpg", quality=95)
right = np.asarray(Image.open("black.jpg").convert("L")) / 255
seen = imread("black.jpg", as_gray=True)
print(f"with black ink - expected: {right.min():.2f} to {right.max():.2f} - seen: {seen.min():.2f} to {seen.max():.2f}")
assert seen.min() > 0.7 and np.corrcoef(right.ravel(), seen.ravel())[0, 1] < 0  # and what is darker in the photo is brighter
PYTHON
