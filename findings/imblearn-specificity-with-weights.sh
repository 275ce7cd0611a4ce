#!/usr/bin/env bash
# imbalanced-learn 0.14.2: with a weight of 2 for each photo, a specificity of 0.75 is 0, and with weights that add up to 1 it is 0.97.
#
# specificity_score() counts true negatives as all photos less those that are positive or were taken for positive. With sample_weight it
# subtracts the weights of those, but begins with the number of photos, not with the sum of their weights. So only weights that add up to
# that number are right; with others the specificity is too low or too high, also above 1, as the average of the report is here. The
# functions sensitivity_specificity_support(), geometric_mean_score(average=...), classification_report_imbalanced() and
# make_index_balanced_accuracy() have it from there. The sensitivity is right. The expected value is scikit-learn's recall of the other
# class, which does not change if all weights are doubled. Known from issue 1180 (open).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imbalanced-learn==0.14.2 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import imblearn
import numpy as np
from imblearn.metrics import classification_report_imbalanced, sensitivity_score, specificity_score
from sklearn.metrics import recall_score

print("imbalanced-learn", imblearn.__version__)
for name, labels, predictions, weights, seen in [
    ("none", [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0], None, 0.75),
    ("1 each", [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0], np.ones(6), 0.75),
    ("2 each", [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0], np.full(6, 2.0), 0.0),
    ("1/6 each", [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0], np.full(6, 1 / 6), 33 / 34),
    ("3 for the rare class", [0] * 8 + [1] * 2, [0] * 6 + [1] * 4, np.array([1.0] * 8 + [3.0] * 2), 0.5),
]:
    right = recall_score(labels, predictions, pos_label=0, sample_weight=weights)
    specificity = specificity_score(labels, predictions, sample_weight=weights)
    sensitivity = sensitivity_score(labels, predictions, sample_weight=weights)
    report = classification_report_imbalanced(labels, predictions, sample_weight=weights, output_dict=True)
    print(f"weights: {name} - expected: {right:.3f} - seen: {specificity:.3f}, in the report's average {report['avg_spe']:.3f}")
    assert np.isclose(sensitivity, recall_score(labels, predictions, sample_weight=weights))
    assert np.isclose(right, 0.75) and np.isclose(specificity, seen) and (name != "2 each" or report["avg_spe"] > 1)
PYTHON
