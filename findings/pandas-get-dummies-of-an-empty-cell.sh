#!/usr/bin/env bash
# pandas 3.1.1: str.get_dummies of several labels in a cell adds a class without a name for empty cells, once pyarrow is installed.
#
# Texts of a CSV are computed on by pyarrow if it is installed, and by Python if not. Without it, and for columns of objects, an empty label
# is none. With it, a photo with an empty cell is of the class "", and so is one with "cat|" or "cat||dog"; such columns come first, so all
# classes move up by one. A gap (NaN) is no class in either. The documentation has no example of an empty cell, and says nothing of pyarrow.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/dummies.py" <<'PYTHON'
import io
import sys

import pandas as pd

csv = "photo,labels\n1.jpg,cat|dog\n2.jpg,\n3.jpg,cat||emu\n4.jpg,dog|\n"
photos = pd.read_csv(io.StringIO(csv), keep_default_na=False)
classes = photos["labels"].str.get_dummies("|")
print("pandas", pd.__version__, sys.argv[1], "pyarrow")
expected = {"cat": [1, 0, 1, 0], "dog": [1, 0, 0, 1], "emu": [0, 0, 1, 0]}
print(f"expected: {expected}\nseen: {classes.to_dict('list')}")
assert photos["labels"].astype(object).str.get_dummies("|").to_dict("list") == expected
if sys.argv[1] == "with":
    expected = {"": [0, 1, 1, 1]} | expected
assert classes.to_dict("list") == expected and list(classes) == list(expected)
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" "$folder/dummies.py" without
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 2>/dev/null
"$folder/venv/bin/python" "$folder/dummies.py" with
