#!/usr/bin/env bash
# pandas 3.1.1: groupby().quantile(interpolation="lower") of whole numbers above 2**53 returns one that is not there, or -2**63 of uint64.
#
# With "lower", "higher" and "nearest" a quantile is one of the values, as without groups. Of groups it is computed in float64, which rounds
# whole numbers above 2**53, such as hashes of 64 bits, and the result is an integer again: it looks exact, and finds no photo. Of uint64 it
# is converted to int64, so the quantile of large values is negative, with NumPy's warning of an invalid value in a cast at most. min, max,
# first and last of the same groups are exact, and so is quantile without groups.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore::RuntimeWarning - <<'PYTHON'
import pandas as pd

print("pandas", pd.__version__)
for dtype, smallest in (("int64", 2**62), ("UInt64", 2**63), ("uint64", 2**63)):
    photos = pd.DataFrame({"label": ["cat"] * 3, "hash": pd.array([smallest + 1, smallest + 3, smallest + 7], dtype)})
    for interpolation in ("lower", "higher", "nearest"):
        expected = int(photos["hash"].quantile(0.5, interpolation=interpolation))
        seen = int(photos.groupby("label")["hash"].quantile(0.5, interpolation=interpolation)["cat"])
        print(f"{interpolation} quantile of {dtype} - expected: {expected} - seen: {seen}")
        assert expected in photos["hash"].tolist() and seen not in photos["hash"].tolist()
        assert seen == (-(2**63) if dtype == "uint64" else smallest)
    assert photos.groupby("label")["hash"].max()["cat"] == smallest + 7
PYTHON
