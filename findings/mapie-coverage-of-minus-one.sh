#!/usr/bin/env bash
# MAPIE 1.6.0: the coverage of classes -1 and 1 is that of class 1 alone, so sets that always miss a class cover all.
#
# classification_coverage_score() takes a label for the number of its column, and -1, the usual other class of two, is the last column,
# which is class 1's. Its documentation asks for "true labels" and says that what predict_set() returns can be passed directly. The
# columns of that are the classes in order, so with labels 0 and 1 it is right; with words or 1 and 2 it raises an error. So are
# classification_ssc() and its score. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mapie==1.6.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from mapie.classification import SplitConformalClassifier
from mapie.metrics.classification import classification_coverage_score, classification_ssc
from sklearn.linear_model import LogisticRegression

print("MAPIE", version("mapie"))
random = np.random.default_rng(0)
truth = random.integers(0, 2, 3000)
features = truth[:, None] + random.normal(0, 1, (3000, 1))
train, conformalize, test = np.split(np.arange(3000), 3)
for classes in ([0, 1], [-1, 1]):
    labels = np.array(classes)[truth]
    model = SplitConformalClassifier(LogisticRegression(), confidence_level=0.9, prefit=False)
    model.fit(features[train], labels[train]).conformalize(features[conformalize], labels[conformalize])
    sets = model.predict_set(features[test])[1]
    for name, sets in (("predicted sets", sets), ("sets of class 1 alone", np.ones_like(sets) * [[[False], [True]]])):
        expected = sets[np.arange(len(test)), truth[test], 0].mean()
        seen = float(classification_coverage_score(labels[test], sets)[0])
        by_size = classification_ssc(labels[test], sets)[0].round(3)
        print(f"{name}, classes {classes} - expected a coverage of {expected:.3f} - seen: {seen:.3f}, by size {by_size}")
        assert np.isclose(seen, expected if classes[0] == 0 else sets[:, 1, 0].mean())
        assert classes[0] == 0 or abs(seen - expected) > 0.05
PYTHON
