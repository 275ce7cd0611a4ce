#!/usr/bin/env bash
# scikit-activeml 1.0.1: the confusion matrices of annotators are all zeros, unless they are normalized.
#
# ext_confusion_matrix() counts the labels of each annotator, and stores the counts in the result only if normalize is "true", "pred" or
# "all". With None, the default, the array of zeros that it began with is returned. The documentation says "If None, confusion matrix will
# not be normalized", and that each entry is a number of samples.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-activeml==1.0.1 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from sklearn.metrics import confusion_matrix
from skactiveml.utils import ext_confusion_matrix

print("scikit-activeml", version("scikit-activeml"))
random = np.random.default_rng(0)
labels = random.integers(0, 3, 100)
answers = np.where(random.random((100, 2)) < 0.8, labels[:, None], random.integers(0, 3, (100, 2)))
for normalize in ("true", "pred", "all", None):
    expected = [confusion_matrix(labels, answer, normalize=normalize) for answer in answers.T]
    seen = ext_confusion_matrix(labels, answers, normalize=normalize)
    print(f"normalize={normalize}, the second person's - expected: {np.round(expected[1], 2).tolist()} - seen: {np.round(seen[1], 2).tolist()}")
    assert np.allclose(seen, expected) if normalize else not seen.any() and np.sum(expected) == 200
PYTHON
