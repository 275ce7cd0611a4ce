#!/usr/bin/env bash
# Yellowbrick 1.5: the macro ROC AUC of a test set without the first class is 0.39 for a model whose classes all have 0.98 and more.
#
# The classes are those of the test set, but their scores are taken from the columns 0, 1 and so on of the model, so each class gets the
# column of the one before it. If the last class is the missing one, all is right. With per_class=True, the default, drawing such a
# test set ends in an error; with per_class=False and micro=False, as for many classes, it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet yellowbrick==1.5 scikit-learn==1.5.2 matplotlib==3.10.9 scipy==1.15.3 numpy==2.2.6 2>/dev/null
MPLBACKEND=agg "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import yellowbrick
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from yellowbrick.classifier import ROCAUC

print("Yellowbrick", yellowbrick.__version__)
random = np.random.default_rng(0)
animals = np.repeat(["bird", "cat", "dog", "emu"], 200)
centres = {"bird": (0, 0), "cat": (4, 0), "dog": (0, 4), "emu": (4, 4)}
photos = np.array([centres[animal] for animal in animals]) + random.normal(size=(800, 2))
drawing = ROCAUC(LogisticRegression(), per_class=False, micro=False, macro=True).fit(photos, animals)
for missing, right in [(None, True), ("emu", True), ("bird", False), ("cat", False)]:
    test = animals != missing
    probabilities = drawing.estimator.predict_proba(photos[test])
    column = {name: index for index, name in enumerate(drawing.estimator.classes_)}
    classes = np.unique(animals[test])
    expected = np.mean([roc_auc_score(animals[test] == name, probabilities[:, column[name]]) for name in classes])
    seen = drawing.score(photos[test], animals[test])
    print(f"missing: {missing} - expected: {expected:.3f} - seen: {seen:.3f}")
    assert abs(expected - seen) < 0.002 if right else seen < 0.8 < 0.98 < expected
PYTHON
