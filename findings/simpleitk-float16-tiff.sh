#!/usr/bin/env bash
# SimpleITK 2.5.7: a TIFF of float16 is read as whole numbers of its bits, 1.0 as 15,360, and one of gray and alpha as half of the image.
#
# ReadImage() takes samples of 16 bits for whole numbers whatever the file says of them, and two samples of a pixel for two pixels: the
# left half of the image fills it, with columns of gray and alpha in turn. Files of float32 and of four channels are read as they are.
# The documentation lists TIFF among the formats, and no exceptions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet SimpleITK==2.5.7 tifffile==2026.3.3 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import SimpleITK
import tifffile

print("SimpleITK", version("SimpleITK"))
values = np.random.default_rng(0).random((20, 30, 4))
for name, image in [
    ("float32", values[..., 0].astype(np.float32)),
    ("float16", values[..., 0].astype(np.float16)),
    ("gray and alpha", (255 * values[..., :2]).astype(np.uint8)),
    ("4 channels", (255 * values).astype(np.uint8)),
]:
    layout = {"planarconfig": "contig", "extrasamples": ["unassalpha"]} if name == "gray and alpha" else {}
    tifffile.imwrite("image.tif", image, photometric="rgb" if name == "4 channels" else "minisblack", **layout)
    assert np.array_equal(tifffile.imread("image.tif"), image)
    seen = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("image.tif"))
    print(f"{name} - expected: {image.shape}, {image.min()} to {image.max()} - seen: {seen.shape}, {seen.min()} to {seen.max()}")
    if name == "float16":
        assert seen.dtype == np.uint16 and np.array_equal(seen, image.view(np.uint16))
    elif name == "gray and alpha":
        assert np.array_equal(seen, image.reshape(20, 60)[:, :30])
    else:
        assert np.array_equal(seen, image)
PYTHON
