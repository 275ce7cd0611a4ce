#!/usr/bin/env bash
# OpenCV 5.0.0: imread() returns the negative of a 16-bit TIFF in which 0 is white, if it is asked for 16 bits.
#
# Scans and radiographs are often stored so (PhotometricInterpretation 0). Without a flag, imread() turns them round, and so it does with
# IMREAD_UNCHANGED if they have 8 bits; only IMREAD_ANYDEPTH and IMREAD_UNCHANGED of 16 bits return the values as stored, in which
# black is 65,535, without telling. So the depth of a file decides whether its picture is a positive. Near to it: issue 9550 (closed:
# such files were read with 8 bits; the fix reads 16). No issue of the project describes the negative.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 tifffile==2026.3.3 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import tifffile

print("OpenCV", cv2.__version__)
flags = [("no flag", cv2.IMREAD_COLOR), ("IMREAD_GRAYSCALE", cv2.IMREAD_GRAYSCALE)]
flags += [("IMREAD_ANYDEPTH", cv2.IMREAD_ANYDEPTH), ("IMREAD_UNCHANGED", cv2.IMREAD_UNCHANGED)]
for dtype in (np.uint8, np.uint16):
    white = np.iinfo(dtype).max
    scan = np.full((64, 64), white, dtype)
    scan[:, :8] = 0  # a black stripe on white paper
    for name, stored, photometric in [("black", scan, "minisblack"), ("white", white - scan, "miniswhite")]:
        tifffile.imwrite("scan.tif", stored, photometric=photometric)
        for flag_name, flag in flags:
            image = cv2.imread("scan.tif", flag)
            stripe, paper = (int(image[0, column].max()) for column in (0, -1))
            expected = 0, np.iinfo(image.dtype).max
            print(f"{dtype.__name__}, 0 is {name}, {flag_name}: {image.dtype} - expected: {expected} - seen: {(stripe, paper)}")
            is_negative = name == "white" and image.dtype == np.uint16
            assert (stripe, paper) == (expected[::-1] if is_negative else expected)
            assert (image.dtype == np.uint16) == (dtype == np.uint16 and flag in (cv2.IMREAD_ANYDEPTH, cv2.IMREAD_UNCHANGED))
PYTHON
