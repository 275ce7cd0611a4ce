#!/usr/bin/env bash
# netCDF4 1.7.5.1: the white pixels of a uint8 photo are masked when it is read, so that the mean of black and white is black.
#
# The variable has no _FillValue; 255 is netCDF's default for bytes that were never written. print() of it says "default _FillValue of 255
# ignored", and reading masks it nevertheless, which means, sums and plots leave out. xarray reads the same file rightly, and netCDF4 does
# after set_auto_mask(False). The documentation says that values equal to a default are masked, but a comment in the code that bytes
# have no default when they are read, as in netCDF's own. Near to it: issue 209 (closed: a scaled uint8 variable).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet netCDF4==1.7.5.1.post1 xarray==2026.9.0 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import netCDF4
import numpy as np
import xarray as xr

print("netCDF4", netCDF4.__version__)
photo = np.full((10, 10), 255, np.uint8)
photo[:, :5] = 0
xr.Dataset({"photo": (("y", "x"), photo)}).to_netcdf("by_xarray.nc", engine="netcdf4")
with netCDF4.Dataset("by_netcdf4.nc", "w") as file:
    for dimension in "yx":
        file.createDimension(dimension, 10)
    file.createVariable("photo", "u1", ("y", "x"))[:] = photo
for path in ("by_xarray.nc", "by_netcdf4.nc"):
    with xr.open_dataset(path, engine="netcdf4") as dataset:
        assert np.array_equal(dataset["photo"], photo)
    with netCDF4.Dataset(path) as file:
        variable = file["photo"]
        masked, mean = np.ma.count_masked(variable[:]), variable[:].mean()
        print(f"{path}, of 50 white pixels and 50 black ones - expected: none is masked, a mean of {photo.mean()}", end=" - ")
        print(f"seen: {masked} are masked, a mean of {mean} - {str(variable).splitlines()[-1]}")
        assert not hasattr(variable, "_FillValue") and "default _FillValue of 255 ignored" in str(variable)
        assert masked == 50 and mean == 0
        variable.set_auto_mask(False)
        assert np.array_equal(variable[:], photo)
PYTHON
