#!/usr/bin/env bash
# pyarrow 26.0.1: partition_nth_indices() of a chunked array, as columns of tables are, has the largest values first, not the smallest.
#
# Its documentation says that the elements before the n-th one are less than or equal to those behind it, and it is so of an array. The same
# values as a chunked array, in one chunk or several, are sorted in descending order, whatever the pivot is, so that the first rows are the
# last ones. pc.take() of them has each value once, so nothing looks wrong. sort_indices() and select_k_unstable() of the column are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

print("pyarrow", pa.__version__)
confidences = np.random.default_rng(0).random(1000)
for name, column in (
    ("an array", pa.array(confidences)),
    ("one chunk", pa.chunked_array([confidences])),
    ("four chunks", pa.table({"confidence": pa.chunked_array(np.split(confidences, 4))})["confidence"]),
):
    for pivot in (1, 10, 500):
        values = column.take(pc.partition_nth_indices(column, pivot=pivot)).to_numpy()
        right = values[:pivot].max() <= values[pivot:].min() and values[pivot] == np.sort(confidences)[pivot]
        print(f"{name}, the {pivot} least confident photos - expected: up to {np.sort(confidences)[pivot - 1]:.3f}", end=" - ")
        print(f"seen: up to {values[:pivot].max():.3f}")
        assert np.array_equal(np.sort(values), np.sort(confidences))
        assert right if name == "an array" else np.array_equal(values, np.sort(confidences)[::-1])
    assert np.array_equal(column.take(pc.sort_indices(column)).to_numpy(), np.sort(confidences))
PYTHON
