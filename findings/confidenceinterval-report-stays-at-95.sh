#!/usr/bin/env bash
# confidenceinterval 1.0.5: of the intervals in classification_report_with_ci(confidence_level=0.5), those of F1 of each class are of 50 %.
#
# All others, of precision and recall and of both averages, are of 95 %, in the same row and table: the level is handed on to one of nine
# calls. The documentation says "The confidence level, by default 0.95".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet confidenceinterval==1.0.5 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 pandas==2.3.3 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from confidenceinterval import classification_report_with_ci, recall_score

print("confidenceinterval", version("confidenceinterval"))
random = np.random.default_rng(0)
labels = random.integers(0, 2, 400)
predicted = np.where(random.random(400) < 0.8, labels, 1 - labels)
wide, narrow = (classification_report_with_ci(labels, predicted, confidence_level=level).set_index("Class") for level in (0.95, 0.5))
for score in ("Precision CI", "Recall CI", "F1-Score CI"):
    for row in ("Class 1", "micro", "macro"):
        as_asked = narrow.loc[row, score] != wide.loc[row, score]
        print(f"{row}, {score} - at 0.95: {tuple(map(float, wide.loc[row, score]))} - expected at 0.5: a third of it", end=" - ")
        print(f"seen: {'narrower' if as_asked else 'the same'}, {tuple(map(float, narrow.loc[row, score]))}")
        assert as_asked == (row == "Class 1" and score == "F1-Score CI")
_, (low, high) = recall_score(labels, predicted, confidence_level=0.5, average="binary", method="wilson")
assert (round(low, 3), round(high, 3)) != narrow.loc["Class 1", "Recall CI"]  # the function itself takes the level
PYTHON
