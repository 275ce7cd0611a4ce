#!/usr/bin/env bash
# SciPy 1.17.1: white_tophat(photo, 3, output=photo) and laplace, written over the photo as other filters can be, compute another image.
#
# Filters of scipy.ndimage may write their output over their input: one pass makes a copy for it. Those of several steps write the first
# step's result there, and take it for the photo in the next one. So white_tophat and black_tophat are zero everywhere; laplace,
# gaussian_laplace, gaussian_gradient_magnitude and morphological_laplace are wrong, too. The documentation calls output "the array in which
# to place the output", and says nothing of the input.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy import ndimage

print("SciPy", scipy.__version__)
photo = np.random.default_rng(0).random((64, 64))
for name, arguments, right in [
    ("gaussian_filter", (2,), True),
    ("median_filter", (3,), True),
    ("grey_opening", (3,), True),
    ("morphological_gradient", (3,), True),
    ("white_tophat", (3,), False),
    ("black_tophat", (3,), False),
    ("morphological_laplace", (3,), False),
    ("laplace", (), False),
    ("gaussian_laplace", (2,), False),
    ("gaussian_gradient_magnitude", (2,), False),
]:
    function = getattr(ndimage, name)
    expected, seen = function(photo, *arguments), photo.copy()
    function(seen, *arguments, output=seen)
    print(f"{name}, standard deviation - expected: {expected.std():.3f} - seen: {seen.std():.3f}")
    assert right == np.allclose(expected, seen) and (right or np.abs(seen - expected).max() > 0.02)
PYTHON
