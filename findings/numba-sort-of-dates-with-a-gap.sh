#!/usr/bin/env bash
# Numba 0.68.1: np.sort and np.argsort of dates, one of which is missing, do not sort, and np.unique returns a date twice.
#
# In a compiled function, dates are compared by <, for which NaT is neither before nor after any date, so a date is not moved past it.
# Floats have a comparison of their own, by which NaN is sorted to the end; NumPy sorts both there. The documentation lists np.sort,
# np.argsort and np.unique as supported, and datetime64 as well, without a note on NaT.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numba==0.68.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numba
import numpy as np

print("Numba", numba.__version__)


@numba.njit
def compiled(values):
    return np.sort(values), values[np.argsort(values)], np.unique(values)


years = np.array([2020, 2018, 0, 2020, 2018, 2019])
dates = (years - 1970).astype("datetime64[Y]")
dates[2] = "NaT"
floats = np.where(years == 0, np.nan, years)
for name, values in [("floats with NaN", floats), ("dates", np.delete(dates, 2)), ("dates with NaT", dates)]:
    expected = np.sort(values), values[np.argsort(values)], np.unique(values)
    seen = compiled(values)
    for function, right, wrong in zip(("sort", "argsort", "unique"), expected, seen, strict=True):
        print(f"{name}, {function} - expected: {right.astype(str).tolist()} - seen: {wrong.astype(str).tolist()}")
        assert np.array_equal(right, wrong, equal_nan=True) == (name != "dates with NaT")
PYTHON
