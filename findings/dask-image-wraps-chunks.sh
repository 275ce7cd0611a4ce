#!/usr/bin/env bash
# dask-image 2026.5.0: with mode="wrap" a filter wraps around the chunk instead of the image, so its borders depend on the chunks.
#
# Each chunk gets a margin of its neighbours and is filtered by SciPy, which then wraps around within it: beside the left border of a photo
# lies, instead of its right border, a column from its middle. The documentation is SciPy's, and says that the image is "extended by
# wrapping around to the opposite edge". With one chunk it is right, and so are the other modes, and convolve() and correlate(), which
# were fixed for issue 242 (closed) in 2021.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dask-image==2026.5.0 dask==2026.8.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import dask.array
import numpy as np
import scipy.ndimage
from dask_image import ndfilters

print("dask-image", version("dask-image"))
ramp = np.tile(np.arange(12.0), (12, 1))
for columns in (12, 6, 4):
    seen = np.asarray(ndfilters.uniform_filter(dask.array.from_array(ramp, chunks=(12, columns)), 3, mode="wrap"))[0]
    expected = scipy.ndimage.uniform_filter(ramp, 3, mode="wrap")[0]
    print(f"chunks of {columns} columns - expected:", expected.round(1).tolist(), "- seen:", seen.round(1).tolist())
    assert np.allclose(seen, expected) == (columns == 12)

photo = np.random.default_rng(0).integers(0, 256, (60, 60)).astype(float)
chunked = dask.array.from_array(photo, chunks=(20, 20))
weights = {"weights": np.ones((3, 3))}
filters = {
    "gaussian_filter": {"sigma": 1},
    "median_filter": {"size": 3},
    "minimum_filter": {"size": 3},
    "percentile_filter": {"percentile": 30, "size": 3},
    "sobel": {},
    "convolve": weights,
    "correlate": weights,
}
for name, arguments in filters.items():
    wrong = {}
    for mode in ("reflect", "mirror", "nearest", "constant", "wrap"):
        expected = getattr(scipy.ndimage, name)(photo, mode=mode, **arguments)
        wrong[mode] = int((~np.isclose(getattr(ndfilters, name)(chunked, mode=mode, **arguments), expected)).sum())
    print(f"{name} of {photo.size} pixels - expected: none is wrong - seen:", wrong)
    assert not any(count for mode, count in wrong.items() if mode != "wrap")
    assert (wrong["wrap"] > 0) == (name not in ("convolve", "correlate"))
PYTHON
