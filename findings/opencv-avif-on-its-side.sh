#!/usr/bin/env bash
# OpenCV 5.0.0: imread() and imdecode() turn JPEG, PNG and WebP photos upright, but leave AVIF photos on their side.
#
# An AVIF file says in its properties irot and imir how it is to be turned; Pillow and browsers do as they say. OpenCV looks for Exif's
# orientation alone, which AVIF files need not have: a turned photo that Pillow saves has none. So of four copies of a photo, that in
# AVIF is the only one on its side, for a model or a perceptual hash another photo. The wheels of OpenCV read AVIF since 4.12.0,
# and never turned one. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import cv2
import numpy as np
from PIL import Image, ImageOps

stored = Image.linear_gradient("L").resize((80, 60)).convert("RGB")
print("OpenCV", cv2.__version__)
for name in ["photo.jpg", "photo.png", "photo.webp", "photo.avif"]:
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees: 80 wide and 60 high as stored, 60 wide and 80 high when turned
    stored.save(name, exif=exif, quality=100)
    with Image.open(name) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    seen = cv2.imread(name)
    print(name, "- expected, as of Pillow:", expected.shape[:2], "- seen:", seen.shape[:2])
    if name == "photo.avif":
        assert seen.shape == (60, 80, 3) and expected.shape == (80, 60, 3)
        assert np.abs(np.rot90(seen, -1).astype(int) - expected).max() <= 4
        assert np.array_equal(cv2.imdecode(np.fromfile(name, np.uint8), cv2.IMREAD_COLOR), seen)
    else:
        assert seen.shape == expected.shape == (80, 60, 3)
        assert np.abs(seen.astype(int) - expected).max() <= 4
PYTHON
