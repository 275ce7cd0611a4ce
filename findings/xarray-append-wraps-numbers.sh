#!/usr/bin/env bash
# xarray 2026.9.0: numbers that are appended to a Zarr store take the type of those before, so a class index of 300 becomes 44.
#
# The type of an array is that of its first part: uint8 for a part with less than 256 classes. to_zarr(append_dim=...) casts what comes
# later to it without an error or a warning: 300 wraps around, and 0.3 is True. Text of another length is refused: "Mismatched dtypes for
# variable". The documentation says nothing of a cast. Near to it: pull request 6476, which made that check for text alone. No issue
# describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xarray==2026.9.0 zarr==3.1.6 dask==2026.8.0 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error::RuntimeWarning - <<'PYTHON'
import numpy as np
import xarray as xr

print("xarray", xr.__version__)


def append(first, second):
    for part, options in [(first, {"mode": "w"}), (second, {"append_dim": "photo"})]:
        xr.Dataset({"values": ("photo", part)}).to_zarr("photos.zarr", consolidated=False, **options)
    return xr.open_zarr("photos.zarr", consolidated=False)["values"].values[len(first) :].tolist()


for first, second, expected in [
    (np.array([1, 2], np.uint8), np.array([300, 299]), [44, 43]),
    (np.array([False]), np.array([0.3, 0.0]), [True, False]),
    (np.array([1, 2], np.uint16), np.array([3, 4], np.uint8), [3, 4]),
]:
    seen = append(first, second)
    print(f"{second.tolist()} appended to {first.dtype} - expected: an error, or {second.tolist()} - seen: {seen}")
    assert seen == expected
try:
    append(np.array(["cat"]), np.array(["elephant"]))
except ValueError as error:
    print("text is refused:", error)
else:
    raise AssertionError
PYTHON
