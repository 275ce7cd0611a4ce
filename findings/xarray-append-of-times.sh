#!/usr/bin/env bash
# xarray 2026.9.0: a time of day that is appended to a Zarr store of days is read as one in the 27th century.
#
# Times are stored as whole numbers of a unit, which is days if the first part has midnights only. to_zarr(append_dim="time") writes
# other times in seconds or hours, as its warning says, but leaves the unit of the store as it is: 60 hours are read as 60 days, and
# 216,000 seconds as 216,000 days. What comes later is wrong, and cannot be told from what is right. Issue 5969 describes it, and was
# closed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xarray==2026.9.0 zarr==3.1.6 dask==2026.8.0 cftime==1.6.6.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pandas as pd
import xarray as xr

print("xarray", xr.__version__)


def part(*times):
    return xr.Dataset({"photos": ("time", [1] * len(times))}, {"time": pd.to_datetime(list(times), format="ISO8601")})


for appended in (["2026-01-03"], ["2026-01-03 12:00"], ["2026-01-03 12:00:20"]):
    part("2026-01-01", "2026-01-02").to_zarr("taken.zarr", mode="w")
    part(*appended).to_zarr("taken.zarr", append_dim="time")
    times = [str(time)[:19] for time in xr.open_zarr("taken.zarr")["time"].values]
    print(f"expected: {appended[0]} - seen: {times[2]}")
    assert [time[:10] for time in times[:2]] == ["2026-01-01", "2026-01-02"]
    assert (times[2][:10] == "2026-01-03") == (appended == ["2026-01-03"])
PYTHON
