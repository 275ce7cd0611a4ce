#!/usr/bin/env bash
# Yellowbrick 1.5: with class names, the ConfusionMatrix of a model that is right for 60 % of the photos is perfect; one of 90 % has 7 %.
#
# The names take the place of labels and predictions before they are counted. Integers are taken for positions in the list of names, so
# -1 and 1 both have the last of two. Strings are numbered among those that occur, in labels and predictions apart, so if one class is
# never predicted, the predictions move to the names before theirs. The documentation says that names are "ordered by the index of the
# sorted classes discovered in the fit() method". The score, in the same object, is right, and so is the matrix without names. Issue 1313
# (open) is of class names in ClassificationReport. Yellowbrick 1.5 does not know classifiers of scikit-learn 1.6 and later.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet yellowbrick==1.5 scikit-learn==1.5.2 matplotlib==3.10.9 scipy==1.15.3 numpy==2.2.6 2>/dev/null
MPLBACKEND=agg "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import yellowbrick
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from yellowbrick.classifier import ConfusionMatrix

print("Yellowbrick", yellowbrick.__version__)
random = np.random.default_rng(0)


def matrix(photos, labels, names):
    drawing = ConfusionMatrix(LogisticRegression(), classes=names).fit(photos, labels)
    score = drawing.score(photos, labels)
    expected = confusion_matrix(labels, drawing.estimator.predict(photos))
    diagonal = np.trace(drawing.confusion_matrix_) / len(labels)
    print(f"classes {np.unique(labels).tolist()}, names {names}, score {score:.3f} - expected: {expected.tolist()}", end=" - ")
    print(f"seen: {drawing.confusion_matrix_.tolist()}, {diagonal:.3f} on the diagonal")
    return expected, drawing.confusion_matrix_


brightness = random.normal(size=(200, 1))
sunny = brightness[:, 0] + random.normal(0, 2, 200) > 0
for expected, seen in [matrix(brightness, np.where(sunny, 1, 0), ["dull", "sunny"]), matrix(brightness, np.where(sunny, 1, -1), None)]:
    assert np.array_equal(expected, seen)
expected, seen = matrix(brightness, np.where(sunny, 1, -1), ["dull", "sunny"])
assert seen.tolist() == [[0, 0], [0, 200]] and np.trace(expected) < 130

animals = np.array(["bird"] * 10 + ["cat"] * 100 + ["dog"] * 90)
sizes = np.concatenate([random.normal(0, 1, 110), random.normal(3, 1, 90)])[:, None]
expected, seen = matrix(sizes, animals, None)
assert np.array_equal(expected, seen)
expected, seen = matrix(sizes, animals, ["Bird", "Cat", "Dog"])
assert np.array_equal(seen, np.roll(expected, -1, axis=1)) and np.trace(seen) < 20 and expected[:, 0].sum() == 0
PYTHON
