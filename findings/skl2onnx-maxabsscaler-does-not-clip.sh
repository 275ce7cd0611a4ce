#!/usr/bin/env bash
# skl2onnx 1.20.0: an exported MaxAbsScaler(clip=True) does not clip.
#
# clip=True keeps the values of new data within -1 and 1, also where they are larger than all that were seen when the scaler was fitted.
# The exported scaler returns 20 for such a value, and a linear model behind it another class. An exported MinMaxScaler(clip=True) clips.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler


def exported(model, rows):
    """Return the first output of a model that was exported to ONNX, of the rows."""
    bytes_ = skl2onnx.to_onnx(model, initial_types=[("X", FloatTensorType([None, rows.shape[1]]))]).SerializeToString()
    return onnxruntime.InferenceSession(bytes_, providers=["CPUExecutionProvider"]).run(None, {"X": rows})[0]


print("skl2onnx", skl2onnx.__version__)
random = np.random.default_rng(0)
seen_before = random.uniform(0, 5, size=(500, 2)).astype(np.float32)
labels = seen_before[:, 0] > 2 * seen_before[:, 1]
new = np.array([[4, 1], [100, 4.9], [1, 4]], np.float32)  # an exposure of 100 was never seen before
for scaler in (MinMaxScaler(clip=True), MaxAbsScaler(clip=True)):
    model = make_pipeline(scaler, LogisticRegression()).fit(seen_before, labels)
    expected, seen = scaler.transform(new), exported(scaler, new)
    classes = model.predict(new).astype(int).tolist(), exported(model, new).astype(int).tolist()
    print(f"{type(scaler).__name__} of {new[1, 0]:.0f} - expected: {expected[1, 0]:.3g} - seen: {seen[1, 0]:.3g}", end=" - ")
    print(f"classes expected: {classes[0]} - seen: {classes[1]}")
    right = isinstance(scaler, MinMaxScaler)
    assert expected[1, 0] == 1 and (seen[1, 0] == 1 if right else seen[1, 0] > 19)
    assert classes[0] == [1, 0, 0] and classes[1] == ([1, 0, 0] if right else [1, 1, 0])
PYTHON
