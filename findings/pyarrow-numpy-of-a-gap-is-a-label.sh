#!/usr/bin/env bash
# pyarrow 26.0.1: as a NumPy array, a column of labels has the last label of its dictionary wherever a label is missing.
#
# A Parquet file keeps a category column as codes into a dictionary of labels, and pyarrow reads it as such. ChunkedArray.to_numpy, which
# np.array(column) calls, then takes labels by code, and the code of a gap is -1, which NumPy counts from the end. Array.to_numpy, to_pylist
# and to_pandas return the gap, as does the same column of plain text. The documentation says that it is "a NumPy copy of this array". In
# pandas 3.1.1, correcting one label of such a column labels the photos without one, too (replace, loc with a mask), and in Ray 2.60.0 the
# batches in NumPy's format have labels instead of gaps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - "$folder/labels.parquet" <<'PYTHON'
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

print("pyarrow", pa.__version__, "pandas", pd.__version__)
labels = ["cat", None, "dgo", "emu"]
pd.DataFrame({"label": pd.Categorical(labels)}).to_parquet(sys.argv[1])
column = pq.read_table(sys.argv[1])["label"]
print(f"the column: {column.to_pylist()}")
for name, seen in [("to_numpy()", column.to_numpy()), ("np.array(column)", np.array(column))]:
    print(f"{name} - expected: {labels} - seen: {seen.tolist()}")
    assert seen.tolist() == ["cat", "emu", "dgo", "emu"]
assert column.to_pylist() == column.chunk(0).to_numpy(zero_copy_only=False).tolist() == labels
assert column.cast(pa.string()).to_numpy().tolist() == labels and column.to_pandas().isna().tolist() == [False, True, False, False]
table = pd.read_parquet(sys.argv[1], dtype_backend="pyarrow")
corrected = table["label"].replace("dgo", "dog")
print(f"pandas, 'dgo' replaced - expected: {['cat', None, 'dog', 'emu']} - seen: {corrected.tolist()}")
assert table["label"].isna().tolist() == [False, True, False, False] and corrected.tolist() == ["cat", "emu", "dog", "emu"]
table.loc[table["label"] == "dgo", "label"] = "dog"
assert table["label"].tolist() == ["cat", "emu", "dog", "emu"]
PYTHON
