#!/usr/bin/env bash
# Great Expectations 1.24.1: of the columns score and Score of a DataFrame, only the first is ever validated, under both names.
#
# Names of columns are looked up regardless of their case, as databases do, also in a DataFrame that has a column of exactly that name.
# Each expectation for the second of two such columns reports the values of the first: success for a column that is empty or out of
# range, and "unexpected" values that it does not contain. Which of the two is checked depends on their order. No warning is given, and
# pandas keeps them apart. The documentation calls the parameter the column's name. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet great_expectations==1.24.1 pandas==2.3.3 numpy==2.4.6 2>/dev/null
cd "$folder"
GX_ANALYTICS_ENABLED=false "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import great_expectations
import pandas as pd
from great_expectations import expectations

print("Great Expectations", great_expectations.__version__)
context = great_expectations.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
asset = context.data_sources.add_pandas("photos").add_dataframe_asset("predictions")
definition = asset.add_batch_definition_whole_dataframe("all")
columns = {"score": [0.1, 0.5, 0.9], "Score": [10.0, None, 90.0]}
for order in (["score"], ["Score"], ["score", "Score"], ["Score", "score"]):
    batch = definition.get_batch(batch_parameters={"dataframe": pd.DataFrame({name: columns[name] for name in order})})
    for name in order:
        in_range = batch.validate(expectations.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=1))
        complete = batch.validate(expectations.ExpectColumnValuesToNotBeNull(column=name))
        assert not in_range.exception_info["raised_exception"] and not complete.exception_info["raised_exception"]
        seen = bool(in_range.success), bool(complete.success)
        expected = (name == "score",) * 2
        print(f"columns {order}, {name} within 0 to 1 and without gaps - expected: {expected} - seen: {seen}", end="")
        print(f" - out of range: {in_range.result['partial_unexpected_list']}")
        assert seen == (order[0] == "score",) * 2
PYTHON
