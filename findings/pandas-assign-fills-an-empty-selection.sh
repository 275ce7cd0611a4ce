#!/usr/bin/env bash
# pandas 3.1.1: assigning a Series to a selection without rows gives it all rows of the Series.
#
# A column that is assigned is aligned to the index of the frame: rows that the frame does not have are dropped. Of a selection
# that happens to be empty the index is replaced instead, so that all rows come back, with NaN in the other columns. What is
# right for every selection with at least one row is wrong for this one, and says nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import pandas as pd

photos = pd.DataFrame({"path": ["1.jpg", "2.jpg", "3.jpg"], "score": [0.2, 0.6, 0.9]})
labels = pd.Series(["cat", "dog", "cat"])
print("pandas", pd.__version__)
for threshold, expected, seen in [(0.5, 2, 2), (0.8, 1, 1), (0.95, 0, 3)]:
    selected = photos[photos["score"] > threshold]
    labelled = selected.assign(label=labels)
    print(f"above {threshold}: {len(selected)} rows; with a column assigned, expected {expected}, seen {len(labelled)}")
    assert (len(selected), len(labelled)) == (expected, seen)
print(labelled)
PYTHON
