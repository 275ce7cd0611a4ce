#!/usr/bin/env bash
# DuckDB 2.0.1: of a DataFrame's column of 5,000 numbers, all whole but one, that one is rounded: 0.5 is 0, and 1.5 is 2.
#
# The type of an object column is chosen from 1,000 of its rows, evenly spaced. If these are whole numbers, the column is INTEGER, and a
# fraction in the other rows is rounded without a word; text there ends in an error, as the documentation of pandas_analyze_sample says.
# Up to 1,999 rows, or with SET GLOBAL pandas_analyze_sample=5000, the column is DOUBLE and right. Columns of objects come from transposed
# tables, from JSON and from rows that were put together one by one. No issue of the project describes the rounding.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import duckdb
import pandas as pd

print("DuckDB", duckdb.__version__)
query = "SELECT typeof(any_value(vote)), max(vote), count(*) FILTER (vote = 1.5) FROM votes"
for rows, sample, right in [(1999, 1000, True), (5000, 1000, False), (5000, 5000, True)]:
    votes = pd.DataFrame({"vote": [1] * rows}, dtype=object)
    votes.loc[rows - 99, "vote"] = 1.5  # one photo, in a row that is not sampled
    duckdb.execute(f"SET GLOBAL pandas_analyze_sample={sample}")
    (seen,) = duckdb.sql(query).fetchall()
    print(f"{rows} rows, a sample of {sample} - expected: {('DOUBLE', 1.5, 1)} - seen: {seen}")
    assert votes["vote"].max() == 1.5 and (votes["vote"] == 1.5).sum() == 1
    assert seen == (("DOUBLE", 1.5, 1) if right else ("INTEGER", 2, 0))
votes.loc[rows - 99, "vote"] = "unsure"
duckdb.execute("SET GLOBAL pandas_analyze_sample=1000")
try:
    duckdb.sql(query).fetchall()
except duckdb.InvalidInputException as error:
    print("text instead of 1.5 - expected and seen:", str(error).splitlines()[0])
else:
    raise SystemExit("text in a column of numbers is no error")
PYTHON
