#!/usr/bin/env bash
# modAL 0.4.2.1: with random_tie_break=True, SVM_binary_minimum asks for the label of the photo that it is surest of, not the least sure.
#
# The strategy asks for the photo that is closest to one of the boundaries. Without random ties, it takes the minimum of the distances; with
# them, shuffled_argmax, which is the maximum. The documentation says that the option "can be used to break the tie when the highest utility
# score is not unique", and nothing of another order. The other strategies of the module, such as min_confidence, keep their order.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet modAL-python==0.4.2.1 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from modAL.models import ActiveLearner
from modAL.multilabel import SVM_binary_minimum, min_confidence
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

print("modAL", version("modAL-python"))
random = np.random.default_rng(0)
photos = random.normal(size=(200, 2))
sunny_and_green = (photos > 0).astype(int)
model = OneVsRestClassifier(SVC(kernel="linear", probability=True, random_state=0))
learner = ActiveLearner(model, X_training=photos[:100], y_training=sunny_and_green[:100])
distances = np.abs(np.column_stack([svm.decision_function(photos[100:]) for svm in learner.estimator.estimators_])).min(axis=1)
for ties in (False, True):
    index = np.ravel(SVM_binary_minimum(learner, photos[100:], random_tie_break=ties))[0].astype(int)
    print(f"random_tie_break={ties}: the distance to a boundary - expected: {distances.min():.3f} - seen: {distances[index]:.3f}")
    assert distances[index] == (distances.max() if ties else distances.min())
    assert min_confidence(learner, photos[100:], random_tie_break=ties)[1] == learner.predict_proba(photos[100:]).min()
PYTHON
