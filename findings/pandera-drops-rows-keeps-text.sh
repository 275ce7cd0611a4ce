#!/usr/bin/env bash
# pandera 0.35.0: a column that coerce=True makes integers stays text if drop_invalid_rows dropped a row: the sum of 1 and 3 is "13".
#
# The row that cannot be converted is dropped, as the documentation says, and the conversion of the others is dropped with it; validate()
# returns the table as valid, although the schema, asked again, refuses it. Without such a row the column is int64. No issue describes
# it; those of drop_invalid_rows concern columns that are not coerced and mixtures of schemas.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pandera[pandas]==0.35.0" pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pandas as pd
import pandera
import pandera.pandas as pa

print("pandera", pandera.__version__)
schema = pa.DataFrameSchema({"epochs": pa.Column(int, coerce=True)}, drop_invalid_rows=True)
for epochs in (["1", "3"], ["1", "many", "3"]):
    seen = schema.validate(pd.DataFrame({"epochs": epochs}), lazy=True)["epochs"]
    print(f"{epochs} - expected: [1, 3] of int64, their sum is 4 - seen: {seen.tolist()} of {seen.dtype}, their sum is {seen.sum()!r}")
    assert seen.tolist() == (["1", "3"] if "many" in epochs else [1, 3])
strict = pa.DataFrameSchema({"epochs": pa.Column(int)})
try:
    strict.validate(schema.validate(pd.DataFrame({"epochs": ["1", "many", "3"]}), lazy=True))
except pa.errors.SchemaError as error:
    print("the same table, validated again, is refused:", error)
else:
    raise AssertionError
PYTHON
