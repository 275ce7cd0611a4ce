#!/usr/bin/env bash
# skl2onnx 1.20.0: an exported TunedThresholdClassifierCV predicts by the threshold of 0.5 instead of the tuned one.
#
# The classifier looks for the probability from which on a photo is better called the rare class; the converter writes the classifier within
# and leaves out the threshold, so that the export predicts what the untuned one did. Known, and fixed in the source in March 2026 (pull
# request 1226); no release has it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import TunedThresholdClassifierCV

print("skl2onnx", version("skl2onnx"))
features, labels = make_blobs([900, 100], 5, cluster_std=6, random_state=0)
features = features.astype(np.float32)
model = TunedThresholdClassifierCV(LogisticRegression(), scoring="balanced_accuracy").fit(features, labels)
content = to_onnx(model, features[:1], options={"zipmap": False}).SerializeToString()
seen = onnxruntime.InferenceSession(content).run(None, {"X": features})[0]
expected = model.predict(features)
print(f"tuned threshold: {model.best_threshold_:.2f}")
for name, predicted in (("expected", expected), ("seen", seen)):
    recall, score = recall_score(labels, predicted), balanced_accuracy_score(labels, predicted)
    print(f"{name}: {predicted.sum()} photos of the rare class, its recall {recall:.2f}, balanced accuracy {score:.2f}")
assert np.array_equal(seen, model.estimator_.predict(features)) and (seen != expected).mean() > 0.1
PYTHON
