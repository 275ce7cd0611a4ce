#!/usr/bin/env bash
# Polars 2.1.0: mean_horizontal() of the UInt8 columns 200 and 198 is 71.
#
# The mean is a float, but it is the sum in the columns' own type, 398 - 256 = 142, divided by 2. All other means of Polars are right:
# mean() of a column, of a list and of a group. So are the horizontal ones of Int64, and the error comes with a table of small
# integers, such as one of pixels. Near to it: Polars issue 21515 (open: sum_horizontal, whose
# result has the small type, too, so that one can see it).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import polars as pl

print("Polars", pl.__version__)
for dtype, pixel in [(pl.Int64, 200), (pl.UInt8, 200), (pl.Int8, 127), (pl.Int16, 30_000)]:
    table = pl.DataFrame({"red": [pixel], "green": [pixel - 2]}, schema={"red": dtype, "green": dtype})
    seen = table.select(pl.mean_horizontal("red", "green")).item()
    listed = table.select(pl.concat_list("red", "green").list.mean()).item()
    print(f"mean of {pixel} and {pixel - 2} of {dtype} - expected, as of list.mean: {listed} - seen: {seen}")
    assert listed == pixel - 1
    assert table.mean_horizontal().item() == seen
    assert (seen == listed) == (dtype == pl.Int64)
PYTHON
