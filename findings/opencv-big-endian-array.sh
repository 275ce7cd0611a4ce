#!/usr/bin/env bash
# OpenCV 5.0.0: of an array in big-endian byte order, such as Pillow gives of ImageJ's TIFFs, every function makes noise.
#
# NumPy keeps the byte order of a file in the type of the array (>u2), as do Pillow, tifffile, and Astropy for FITS. OpenCV's Python
# module looks at the kind and the size of the numbers only and takes their bytes as they lie, so that 256 is 1 and 1 is 256. It refuses
# types that it does not support, such as bool. PyTorch, SimpleITK and pyvips refuse a big-endian array; NumPy, SciPy and TensorFlow compute
# the right numbers from it.
# No issue of the project describes it; XGBoost fixed the same in 2026 (xgboost issue 12433).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import tifffile
from PIL import Image

ramp = np.tile(np.arange(100, 356, dtype=np.uint16), (64, 1))
tifffile.imwrite("ramp.tif", ramp, byteorder=">")
photo = np.asarray(Image.open("ramp.tif"))
print("OpenCV", cv2.__version__, "- the photo's type:", photo.dtype)
assert photo.dtype == ">u2" and np.array_equal(photo, ramp)
for name, compute in (
    ("mean", lambda image: np.array(cv2.mean(image)[:1])),
    ("minMaxLoc", lambda image: np.array(cv2.minMaxLoc(image)[:2])),
    ("flip", lambda image: cv2.flip(image, 1)),
    ("resize", lambda image: cv2.resize(image, (32, 8), interpolation=cv2.INTER_AREA)),
    ("GaussianBlur", lambda image: cv2.GaussianBlur(image, (5, 5), 0)),
):
    expected, seen = compute(photo.astype(np.uint16)).astype(float), compute(photo).astype(float)
    print(f"{name} - expected: {expected.min():.0f} to {expected.max():.0f} - seen: {seen.min():.0f} to {seen.max():.0f}")
    assert expected.max() < 356 and seen.max() > 20_000
cv2.imwrite("ramp.png", photo)
seen = cv2.imread("ramp.png", cv2.IMREAD_UNCHANGED)
print("imwrite and imread again - expected:", ramp[0, :3], "- seen:", seen[0, :3])
assert np.array_equal(seen, ramp.byteswap())
try:
    cv2.mean(photo > 200)
except cv2.error as error:
    print("of bool: refused")
else:
    raise AssertionError("bool is supported")
PYTHON
