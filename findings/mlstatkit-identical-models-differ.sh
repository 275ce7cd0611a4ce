#!/usr/bin/env bash
# MLstatkit 0.1.91: DeLong's test of a model against itself returns a p-value of 0: the two differ significantly.
#
# If the variance of the difference is zero, the test resamples the photos instead, and takes twice the smaller of the shares of differences
# "<= 0" and "> 0". All differences are 0, so the second share is 0, and so is the p-value, beside a z of 0. It is the same for two models
# that rank all photos alike, as any model before and after its temperature is fitted. The documentation calls the p-value two-sided and
# "aligned with R pROC::roc.test", which returns 1. The package's permutation test returns 1, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet MLstatkit==0.1.91 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from MLstatkit import Delong_test, Permutation_test

print("MLstatkit", version("MLstatkit"))
random = np.random.default_rng(0)
sunny = np.repeat([0, 1], [150, 50])
logits = random.normal(size=200) + sunny
probabilities = 1 / (1 + np.exp(-logits))
for name, others, same in [
    ("itself", probabilities, True),
    ("the same model with a temperature of 2", 1 / (1 + np.exp(-logits / 2)), True),
    ("another model", 1 / (1 + np.exp(-random.normal(size=200) - sunny)), False),
]:
    z, p_value, first, second = Delong_test(sunny, probabilities, others, return_ci=False, random_state=0)
    permuted = Permutation_test(sunny, probabilities, others, metric_str="roc_auc")[2]
    print(f"a model against {name}, with ROC AUCs of {first:.3f} and {second:.3f}", end=" - ")
    print(f"expected: a p-value of about {permuted:.2f} - seen: {p_value:.2f}, with a z of {z:.2f}")
    assert (permuted == 1 and z == p_value == 0 and first == second) if same else abs(p_value - permuted) < 0.1
PYTHON
