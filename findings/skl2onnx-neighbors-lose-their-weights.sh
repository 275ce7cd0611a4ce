#!/usr/bin/env bash
# skl2onnx 1.20.0: an exported KNeighborsClassifier(weights="distance") counts all neighbours alike, as with weights="uniform".
#
# The exported model negates the distances, raises each to at least 0.000001 so that none is zero, and takes their inverses, which are then
# all the same. So probabilities are the shares of votes, off by up to 0.8, and labels change: for a photo that the model was fitted to,
# scikit-learn returns its own label with certainty, and the export that of most neighbours. So does a KNeighborsRegressor. The
# conversion raises no error; for a callable as weights it does. Known from issue 1214 (open).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error::UserWarning - <<'PYTHON'
import numpy as np
import onnxruntime
import skl2onnx
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor


def exported(model, rows, options=None):
    """Return the outputs of a model that was exported to ONNX, of the rows."""
    bytes_ = skl2onnx.to_onnx(model, rows[:1], options=options).SerializeToString()
    return onnxruntime.InferenceSession(bytes_, providers=["CPUExecutionProvider"]).run(None, {"X": rows})


print("skl2onnx", skl2onnx.__version__)
random = np.random.default_rng(0)
labels = random.integers(0, 3, 800)
features = (np.eye(3)[labels] + random.normal(0, 0.7, (800, 3))).astype(np.float32)
model = KNeighborsClassifier(weights="distance").fit(features[:500], labels[:500])
alike = KNeighborsClassifier(weights="uniform").fit(features[:500], labels[:500])
for name, rows in (("the photos fitted to", features[:500]), ("other photos", features[500:])):
    predicted, probabilities = exported(model, rows, {"zipmap": False})
    changed = int((predicted != model.predict(rows)).sum())
    off = abs(probabilities - model.predict_proba(rows)).max()
    print(f"{name} - expected: no labels of {len(rows)} change - seen: {changed}, probabilities are off by {off:.2f}")
    assert changed > 10 and np.allclose(probabilities, alike.predict_proba(rows), atol=1e-5)
regressor = KNeighborsRegressor(weights="distance").fit(features[:500], labels[:500])
off = abs(exported(regressor, features[:500])[0].ravel() - labels[:500]).max()
print(f"KNeighborsRegressor - expected: the values fitted to - seen: off by {off:.2f}")
assert np.allclose(regressor.predict(features[:500]), labels[:500]) and off > 1
PYTHON
