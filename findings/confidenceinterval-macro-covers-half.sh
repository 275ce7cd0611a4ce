#!/usr/bin/env bash
# confidenceinterval 1.0.5: a 95 % interval of a macro average holds the true value in 55 of 100 experiments, or in all of them.
#
# The delta method needs the covariance of the cells of the confusion matrix, diag(p) - p pT. The code has p * p.transpose() of a flat
# array, which is its square, cell by cell, and not the outer product. The derivative of a class's precision or recall by its own cell
# also lacks the division by the share of the class. The interval of the macro F1 adds two factors of Takahashi's formula instead of
# multiplying them, and takes counts for shares, so it is twice too wide for two classes and too narrow for twenty. The intervals by
# bootstrap (method="bootstrap_bca") and those of micro averages are right. Issue 2 (open) is of the macro F1 in a file that is gone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet confidenceinterval==1.0.5 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 pandas==2.3.3 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import confidenceinterval
import numpy as np

print("confidenceinterval", version("confidenceinterval"))
random = np.random.default_rng(0)
EXPERIMENTS = 100
for classes, photos, accuracy in [(2, 200, 0.6), (10, 1000, 0.3), (20, 2000, 0.3)]:
    covered = {}
    for _ in range(EXPERIMENTS):
        labels = random.integers(0, classes, photos)
        wrong = (labels + random.integers(1, classes, photos)) % classes
        predicted = np.where(random.random(photos) < accuracy, labels, wrong)  # precision, recall and F1 of each class: the accuracy
        for score in ("precision_score", "recall_score", "f1_score"):
            for average in ("micro", "macro"):
                _, (low, high) = getattr(confidenceinterval, score)(labels, predicted, average=average)
                covered[average, score] = covered.get((average, score), 0) + int(low <= accuracy <= high)
    print(f"{classes} classes, accuracy {accuracy} - expected: each interval holds it in about 95 of 100 - seen: {covered}")
    assert all(covered["micro", score] >= 89 for score in ("precision_score", "recall_score", "f1_score"))
    assert (covered["macro", "f1_score"] == 100) if classes == 2 else (covered["macro", "precision_score"] < 75)
    assert classes < 20 or covered["macro", "f1_score"] < 85
PYTHON
