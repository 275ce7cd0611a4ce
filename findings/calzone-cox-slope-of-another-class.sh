#!/usr/bin/env bash
# calzone 0.1.0: the Cox slope and intercept of a class of many compare its labels with the probabilities of class 1: -0.4, not 1.0.
#
# cox_regression_analysis(class_to_calculate=2) takes the labels of class 2, but the probabilities from column 1, so a perfectly calibrated
# model has a negative slope. CalibrationMetrics(class_to_calculate=2) does not hand over the class at all: slope and intercept are those of
# class 1 for each class, beside calibration errors of the class that was asked for. With two classes, class 1 is right, and 0 is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet calzone-tool==0.1.0 statsmodels==0.15.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from calzone.metrics import CalibrationMetrics, cox_regression_analysis

print("calzone-tool", version("calzone-tool"))
random = np.random.default_rng(0)
probabilities = random.dirichlet([1, 1, 1], 5000)
labels = (random.random((5000, 1)) > np.cumsum(probabilities, axis=1)).sum(axis=1)  # drawn from the probabilities
probabilities[:, 2] = probabilities[:, 2] ** 2 / (probabilities[:, 2] ** 2 + (1 - probabilities[:, 2]) ** 2)  # twice its logit
of_one = cox_regression_analysis(labels, probabilities, class_to_calculate=1)[0]
for class_index, expected in enumerate([1, 1, 0.5]):
    column = np.column_stack([1 - probabilities[:, class_index], probabilities[:, class_index]])
    by_hand = cox_regression_analysis(labels == class_index, column)[0]
    alone = cox_regression_analysis(labels, probabilities, class_to_calculate=class_index)[0]
    among_others = CalibrationMetrics(class_to_calculate=class_index).calculate_metrics(labels, probabilities, ["COX"])["COX coef"]
    print(f"class {class_index} - expected: {by_hand:.2f} - seen: {alone:.2f}, and in CalibrationMetrics {among_others:.2f}")
    assert abs(by_hand - expected) < 0.1 and np.isclose(among_others, of_one)
    assert abs(alone - by_hand) < 0.01 if class_index == 1 else alone < 0
PYTHON
