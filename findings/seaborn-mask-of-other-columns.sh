#!/usr/bin/env bash
# seaborn 0.13.2: a mask whose columns are in another order than those of the data hides other cells of a heatmap.
#
# A mask is to have the index and the columns of the data: one with the rows in another order is refused, "Mask must have the same index and
# columns as data". The check is "not index.equals(...) and columns.equals(...)", so that other columns pass. The mask is then combined
# with that of missing values, by name, and applied by position: of a confusion matrix, the numbers on the diagonal are to be hidden, and
# others are instead. The documentation says that data is not shown in cells where the mask is True.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet seaborn==0.13.2 matplotlib==3.11.2 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
MPLBACKEND=Agg "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

print("seaborn", sns.__version__)
names = ["dog", "cat", "emu"]
matrix = pd.DataFrame([[90, 3, 7], [1, 95, 4], [2, 8, 80]], index=names, columns=names)
expected = ["3", "7", "1", "4", "2", "8"]


def shown(mask):
    """Return the numbers that are written into the cells."""
    plt.close("all")
    return [text.get_text() for text in sns.heatmap(matrix, mask=mask, annot=True, fmt="d").texts]


mask = matrix > 50
assert shown(mask) == expected
seen = shown(mask[sorted(names)])
print(f"without numbers above 50, columns of the mask sorted - expected: {expected}, or an error - seen: {seen}")
assert seen == ["90", "7", "95", "4", "2", "8"]
try:
    shown(mask.loc[sorted(names)])
except ValueError as error:
    print("rows of the mask sorted - an error:", error)
else:
    raise AssertionError("a mask of other rows is accepted")
PYTHON
