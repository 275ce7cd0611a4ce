#!/usr/bin/env bash
# skl2onnx 1.20.0: an exported SGDClassifier(loss="modified_huber") predicts other classes, of three or more.
#
# scikit-learn predicts the class of the largest decision value. With this loss, decision values are cut off at -1 and 1 to make
# probabilities of them, so the probabilities of two classes are often equal, and the exported model takes the first of the equal ones.
# Its probabilities are right, only its labels aren't, and its accuracy is lower. Of two classes, and with loss="log_loss", the labels
# are the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error::UserWarning - <<'PYTHON'
import numpy as np
import onnxruntime
import skl2onnx
from sklearn.linear_model import SGDClassifier

print("skl2onnx", skl2onnx.__version__)
random = np.random.default_rng(0)
for classes, loss in ((2, "modified_huber"), (5, "log_loss"), (5, "modified_huber")):
    labels = random.integers(0, classes, 5000)
    features = (random.normal(0, 1, (classes, 16))[labels] + random.normal(0, 1, (5000, 16))).astype(np.float32)
    model = SGDClassifier(loss=loss, random_state=0).fit(features, labels)
    bytes_ = skl2onnx.to_onnx(model, features[:1], options={"zipmap": False}).SerializeToString()
    session = onnxruntime.InferenceSession(bytes_, providers=["CPUExecutionProvider"])
    predicted, probabilities = session.run(None, {"X": features})
    expected = model.predict(features)
    changed, before, after = (expected != predicted).sum(), (expected == labels).mean(), (predicted == labels).mean()
    print(f"{classes} classes, {loss} - expected: no labels of 5000 change - seen: {changed}, accuracy {before:.3f} to {after:.3f}")
    assert np.allclose(probabilities, model.predict_proba(features), atol=1e-3)
    assert changed > 100 and after < before - 0.02 if (classes, loss) == (5, "modified_huber") else changed < 3
PYTHON
