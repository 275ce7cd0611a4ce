#!/usr/bin/env bash
# OpenCV 5.0.0: imread() returns None for a TIFF photo that the camera was turned for; imdecode() of the same file returns the photo.
#
# The photos have orientation 6, and are to be turned by 90 degrees. Of a TIFF, in colour or grey, imread() logs "Internal imread
# issue" and returns None, with every flag, IMREAD_IGNORE_ORIENTATION too; imdecode() and imreadmulti() return it upright. JPEG, PNG
# and WebP photos with that orientation are read and turned, and a TIFF with orientation 3 is. 6 and 8 are lost, since
# OpenCV 4.11.0; 4.10.0 read them. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6 2>/dev/null
cd "$folder"
OPENCV_LOG_LEVEL=OFF "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import cv2
import numpy as np
from PIL import Image

exif = Image.Exif()
exif[274] = 6  # to be turned by 90 degrees: 80 wide and 60 high as stored, 60 wide and 80 high when turned
grey = Image.linear_gradient("L").resize((80, 60))


def size(image):
    return None if image is None else (image.shape[1], image.shape[0])


print("OpenCV", cv2.__version__)
for mode, name in [("RGB", "jpg"), ("RGB", "png"), ("RGB", "webp"), ("RGB", "tif"), ("L", "tif"), ("I;16", "tif")]:
    grey.convert(mode).save(f"photo.{name}", exif=exif)
    read, decoded = size(cv2.imread(f"photo.{name}")), size(cv2.imdecode(np.fromfile(f"photo.{name}", np.uint8), cv2.IMREAD_COLOR))
    print(f"photo.{name} in mode {mode} - expected: (60, 80) - seen by imread: {read}, by imdecode: {decoded}")
    assert decoded == (60, 80)
    assert read == (None if name == "tif" else (60, 80))
assert cv2.imread("photo.tif", cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION) is None
assert size(cv2.imreadmulti("photo.tif")[1][0]) == (60, 80)
for orientation, expected in [(3, (80, 60)), (8, (60, 80))]:
    exif[274] = orientation
    grey.save("photo.tif", exif=exif)
    read = size(cv2.imread("photo.tif"))
    print(f"photo.tif with orientation {orientation} - expected: {expected} - seen by imread: {read}")
    assert read == (expected if orientation == 3 else None)
PYTHON
