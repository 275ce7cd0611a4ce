#!/usr/bin/env bash
# imbalanced-learn 0.14.2: the specificity with sample weights is wrong unless they add up to the number of samples: 3.7 if all are 2.
#
# specificity_score() and what uses it, such as geometric_mean_score(average="binary"), count as true negatives the number of all samples,
# not the sum of their weights, less the weighted others. Specificity is the recall of the other class, as which scikit-learn computes it
# here, and weights that are all the same change nothing of it. The documentation says only "Sample weights."
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imbalanced-learn==0.14.2 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from imblearn.metrics import geometric_mean_score, sensitivity_score, specificity_score
from sklearn.metrics import recall_score

print("imbalanced-learn", version("imbalanced-learn"))
random = np.random.default_rng(0)
truth = random.integers(0, 2, 1000)
predicted = np.where(random.random(1000) < 0.8, truth, 1 - truth)
balanced = 1000 / np.bincount(truth)[truth] / 2  # adds up to the number of photos
for name, weights in [("1", np.ones(1000)), ("2", np.full(1000, 2.0)), ("0.5", np.full(1000, 0.5)), ("balanced", balanced)]:
    expected = recall_score(truth, predicted, pos_label=0, sample_weight=weights)
    seen = specificity_score(truth, predicted, sample_weight=weights)
    mean = geometric_mean_score(truth, predicted, average="binary", sample_weight=weights)
    print(f"weights {name} - expected a specificity of {expected:.3f} - seen: {seen:.3f}", end=" - ")
    print(f"geometric mean expected: {np.sqrt(expected * recall_score(truth, predicted, sample_weight=weights)):.3f}, seen: {mean:.3f}")
    assert np.isclose(sensitivity_score(truth, predicted, sample_weight=weights), recall_score(truth, predicted, sample_weight=weights))
    assert np.isclose(seen, expected if name in ("1", "balanced") else {"2": 3.703, "0.5": 0.932}[name], atol=1e-3)
PYTHON
