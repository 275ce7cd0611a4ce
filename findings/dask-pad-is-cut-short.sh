#!/usr/bin/env bash
# Dask 2026.8.0: pad() of a small image by more than its own size returns an image that is smaller than was asked for.
#
# With "reflect", "symmetric" and "wrap" it takes one slice of the image for each side, and a slice ends where the image does. So each side
# gets its own length at most, or less than that, without an error, and the image need not be in the middle. NumPy repeats the reflection,
# and the documentation is NumPy's ("This docstring was copied from numpy.pad"). The shape is wrong before anything is computed. With
# "edge" and "constant", and by less than the size, it is right. Known from issue 6127 (open), for "wrap".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "dask[array]==2026.8.0" numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import dask
import dask.array as da
import numpy as np

print("Dask", dask.__version__)
assert "copied from numpy.pad" in da.pad.__doc__
image = np.arange(4 * 6).reshape(4, 6)
for mode, width, shape in [
    ("edge", 8, (20, 22)),
    ("reflect", 3, (10, 12)),
    ("reflect", 8, (10, 13)),
    ("symmetric", 8, (12, 14)),
    ("wrap", 8, (12, 14)),
]:
    expected = np.pad(image, width, mode=mode)
    seen = da.pad(da.from_array(image), width, mode=mode)
    print(f"{mode} by {width} - expected: {expected.shape} - seen: {seen.shape}")
    assert seen.shape == seen.compute().shape == shape
    assert np.array_equal(seen.compute(), expected) == (shape == expected.shape)
PYTHON
