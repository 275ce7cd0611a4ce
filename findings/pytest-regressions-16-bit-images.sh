#!/usr/bin/env bash
# pytest-regressions 2.11.0: a test of a 16-bit image passes when its pixels became forty times as bright, and of a transparent one, too.
#
# image_regression.check() converts both images to 8-bit RGB by Pillow before it compares them, also with a threshold of 0. That turns all
# values of 255 and more white, which is nearly all of a 16-bit image, and drops the alpha channel. Of 8 bits without alpha it sees one
# pixel. The documentation of its threshold speaks of "how the images are allowed to differ", and of no conversion. No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pytest-regressions[image]==2.11.0" pillow==13.0.0 numpy==2.4.6 2>/dev/null
cd "$folder"
cat >test_images.py <<'PYTHON'
import io
import os

import numpy as np
import pytest
from PIL import Image

images = {
    "16 bits": np.full((20, 20), 1_000, np.uint16),
    "8 bits": np.full((20, 20), 100, np.uint8),
    "alpha": np.full((20, 20, 4), 200, np.uint8),
}
if "CHANGED" in os.environ:
    images["16 bits"][:] = 40_000
    images["8 bits"][0, 0] = 101
    images["alpha"][..., 3] = 0  # invisible


@pytest.mark.parametrize("name", images)
def test_image(image_regression, name):
    file = io.BytesIO()
    Image.fromarray(images[name]).save(file, "PNG")
    image_regression.check(file.getvalue(), diff_threshold=0)
PYTHON
"$folder/venv/bin/python" - <<'PYTHON'
import os
import subprocess
import sys
from importlib.metadata import version

print("pytest-regressions", version("pytest-regressions"))
pytest = [sys.executable, "-m", "pytest", "-q", "-rpf", "-p", "no:cacheprovider", "test_images.py"]
subprocess.run([*pytest, "--force-regen"], capture_output=True)
subprocess.run(pytest, check=True, capture_output=True)
result = subprocess.run(pytest, env={**os.environ, "CHANGED": "1"}, capture_output=True, text=True)
seen = {name: f"PASSED test_images.py::test_image[{name}]" in result.stdout for name in ("16 bits", "8 bits", "alpha")}
print("all images changed - expected: no test passes - seen:", seen)
assert seen == {"16 bits": True, "8 bits": False, "alpha": True} and result.returncode == 1
PYTHON
