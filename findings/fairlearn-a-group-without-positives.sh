#!/usr/bin/env bash
# fairlearn 0.15.0: perfect predictions have an equal opportunity difference of 1, the worst there is, if a group has no positives.
#
# The true positive rate of a group without positives is 0 of 0. It is taken for 0, without a warning, so the difference from a group in
# which all positives are found is 1, as if none of its positives were. So is the equalized odds difference, and the false positive rate
# of a group without negatives is taken for 0, too. In a MetricFrame, the recall of scikit-learn warns, and returns NaN with
# zero_division=np.nan; that of fairlearn cannot. The documentation names no such case.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fairlearn==0.15.0 scikit-learn==1.9.1 pandas==2.3.3 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error::UserWarning -W error::RuntimeWarning - <<'PYTHON'
import fairlearn
import numpy as np
from fairlearn.metrics import equal_opportunity_difference, equalized_odds_difference, true_positive_rate

print("fairlearn", fairlearn.__version__)
camera = np.repeat(["phone", "studio"], 100)
blurred = np.tile([1, 0, 0, 0], 50)
no_blur_in_studio = np.where(camera == "studio", 0, blurred)
for name, labels in [("both cameras have blurred photos", blurred), ("the studio's has none", no_blur_in_studio)]:
    predicted = labels.copy()
    difference = equal_opportunity_difference(labels, predicted, sensitive_features=camera)
    odds = equalized_odds_difference(labels, predicted, sensitive_features=camera)
    print(f"{name}, all predictions right - expected: 0, or not a number - seen: {difference}, {odds}", end="")
    print(f" - true positive rate of the studio's: {true_positive_rate(labels[100:], predicted[100:])}")
    assert difference == odds == (0 if labels is blurred else 1)
predicted = np.where(camera == "phone", 0, blurred)  # all blurred photos of one camera are missed
print("the phone's blurred photos are all missed - expected: 1 - seen:", end=" ")
print(equal_opportunity_difference(blurred, predicted, sensitive_features=camera))
assert equal_opportunity_difference(blurred, predicted, sensitive_features=camera) == 1
PYTHON
