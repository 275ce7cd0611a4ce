#!/usr/bin/env bash
# River 0.26.1: RollingROCAUC, which "calculates the exact value", is too small where positives and negatives have the same score.
#
# A pair of a positive and a negative with the same score counts one half. River halves the number of positives of each score in whole
# numbers, so of an odd number one is not counted. That hardly shows with many positives, but the classes that a window of 1,000 is
# watched for are rare: with one positive, a model that scores all photos alike has 0 instead of 0.5, and one whose score it shares with a
# tenth of the others 0.89 instead of 0.95. With an even number of positives at each score, or where all scores differ, it is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet river==0.26.1 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import river
from river.metrics import RollingROCAUC
from sklearn.metrics import roc_auc_score


def rolling(labels, scores):
    """Return River's area under the ROC curve of a window that holds all scores."""
    metric = RollingROCAUC(window_size=len(labels))
    for label, score in zip(labels, scores):
        metric.update(bool(label), float(score))
    return metric.get()


def area(labels, scores):
    """Return the share of pairs in which the positive has the higher score; a tie counts one half."""
    positive, negative = scores[labels][:, None], scores[~labels]
    return ((positive > negative) + (positive == negative) / 2).mean()


print("River", river.__version__)
random = np.random.default_rng(0)
for positives, levels in [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (5, 2), (1, None), (5, None)]:
    labels = np.zeros(1000, bool)
    labels[random.choice(1000, positives, replace=False)] = True
    scores = random.random(1000) + labels / 2
    if levels == 1:
        scores = np.full(1000, 0.5)
    elif levels == 2:
        scores = np.where(labels | (random.random(1000) < 0.1), 0.9, 0.2)
    expected, seen = area(labels, scores), rolling(labels, scores)
    print(f"{positives} of 1,000 are positive, {levels or 1000} scores - expected: {expected:.4f} - seen: {seen:.4f}")
    assert abs(expected - roc_auc_score(labels, scores)) < 1e-9
    assert (abs(seen - expected) < 1e-9) == (levels is None or positives % 2 == 0)
PYTHON
