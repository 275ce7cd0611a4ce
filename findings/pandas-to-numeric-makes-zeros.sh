#!/usr/bin/env bash
# pandas 3.1.1: to_numeric with downcast="integer" makes zeros of small numbers.
#
# By the documentation, downcast returns the smallest type "possible" for the values. Whether integers are possible is decided with a
# tolerance of 1e-8, whatever the size of the values, so a column of learning rates or p values below it becomes a column of zeros, and
# 1.000000005 becomes 1. One larger fraction in the column keeps all of them. downcast="unsigned" and nullable types do the same.
# Near to it: issue 14941 (closed), for which the tolerance was made that small. No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import pandas as pd

print("pandas", pd.__version__)
for values in ([2e-9, 5e-9, 1e-12], [1.000000005, 2.0], [3e-9, 1e-7], [0.5, 3.0]):
    for downcast, dtype in [("integer", "float64"), ("unsigned", "float64"), ("integer", "Float64")]:
        seen = pd.to_numeric(pd.Series(values, dtype=dtype), downcast=downcast)
        print(f"{values} as {downcast} - expected: {values} - seen: {seen.tolist()} ({seen.dtype})")
        if max(value % 1 for value in values) > 1e-8:
            assert seen.tolist() == values
        else:
            assert seen.dtype.kind in "iu" and seen.tolist() == [round(value) for value in values] != values
PYTHON
