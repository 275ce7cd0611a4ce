#!/usr/bin/env bash
# river 0.26.1: if each photo has a weight of 2, the adjusted Rand index is 1.52 instead of 0.52, and the homogeneity -0.99.
#
# update(y_true, y_pred, w) takes a weight, and the confusion matrix of classes adds it up. The metrics of agreement divide its weighted
# counts by the number of updates instead of the sum of weights. So equal weights are not the same as none: MutualInfo is negative, which
# cannot be, AdjustedRand, Homogeneity, Completeness and VBeta leave their ranges, and Rand is far too small. Accuracy and kappa of the
# same updates are right. The documentation of update() calls w a sample weight. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet river==0.26.1 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import river
import sklearn.metrics
from river import metrics

print("river", river.__version__)
random = np.random.default_rng(0)
labels = random.choice(["cat", "dog", "emu"], 300, p=[0.6, 0.3, 0.1])
predictions = np.where(random.random(300) < 0.7, labels, random.choice(["cat", "dog", "emu"], 300))
for name, of_sklearn, right in [
    ("Accuracy", "accuracy_score", True),
    ("CohenKappa", "cohen_kappa_score", True),
    ("MutualInfo", "mutual_info_score", False),
    ("Rand", "rand_score", False),
    ("AdjustedRand", "adjusted_rand_score", False),
    ("Homogeneity", "homogeneity_score", False),
    ("Completeness", "completeness_score", False),
    ("VBeta", "v_measure_score", False),
]:
    for weight in (1, 2):
        metric = getattr(metrics, name)()
        for label, prediction in zip(labels, predictions, strict=True):
            metric.update(label, prediction, weight)
        repeated = labels.repeat(weight), predictions.repeat(weight)
        expected, seen = getattr(sklearn.metrics, of_sklearn)(*repeated), metric.get()
        print(f"{name}, each photo with a weight of {weight} - expected: {expected:.3f} - seen: {seen:.3f}")
        assert np.isclose(seen, expected) == (right or weight == 1)
        assert right or weight == 1 or seen < 0 or seen > 1 or abs(seen - expected) > 0.1
PYTHON
