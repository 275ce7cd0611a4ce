#!/usr/bin/env bash
# DeepDiff 9.1.0: two DataFrames with other labels, or another number of rows, do not differ.
#
# DeepDiff goes through what iterating over an object returns, and a DataFrame returns the names of its columns. So tables with equal names
# are equal: {} for other labels, for rows that are missing, also where a table is a part of a dictionary. A Series, an array and a Polars
# table are compared by their values. So a test that a table stayed the same, `assert not DeepDiff(before, after)`, fails only for other
# columns. DeepHash hashes the values of DataFrames since 8.0.0, which is what "Pandas and Polars support" in the changelog means. The
# summary of the package says "of any Python object". Near to it: issue 394 (open), on DeepHash before 8.0.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet deepdiff==9.1.0 pandas==3.1.1 polars==2.1.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import deepdiff
import pandas as pd
import polars as pl
from deepdiff import DeepDiff

print("DeepDiff", deepdiff.__version__)
before = pd.DataFrame({"photo": ["a.jpg", "b.jpg"], "label": ["cat", "dog"]})
after = before.assign(label=["emu", "emu"])
assert not before.equals(after)
for name, old, new, finds in [
    ("arrays", before.to_numpy(), after.to_numpy(), True),
    ("Series", before["label"], after["label"], True),
    ("Polars tables", pl.DataFrame(before.to_dict("list")), pl.DataFrame(after.to_dict("list")), True),
    ("DataFrames with another column", before, before.rename(columns={"label": "class"}), True),
    ("DataFrames with other labels", before, after, False),
    ("DataFrames with other labels in a dictionary", {"test": before}, {"test": after}, False),
    ("DataFrames with another number of rows", before, before.head(1), False),
]:
    seen = DeepDiff(old, new)
    print(f"{name} - expected: a difference - seen: {dict(seen)}")
    assert bool(seen) == finds
PYTHON
