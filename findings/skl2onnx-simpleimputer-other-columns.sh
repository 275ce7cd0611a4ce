#!/usr/bin/env bash
# skl2onnx 1.20.0: an exported SimpleImputer returns other columns than scikit-learn's, so the model behind it reads the wrong ones.
#
# scikit-learn drops a column that has no values, and add_indicator=True adds a column of flags for each one with gaps. The exported imputer
# drops and adds none. A decision tree behind a dropped column then reads each feature from the column before it, and a logistic regression
# ignores the flags: both are right for every photo in scikit-learn, and for about half in ONNX Runtime. Other models behind it stop with an
# error, as a tree behind flags does. Without either, the exported imputer is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W "ignore:Skipping features" - <<'PYTHON'
import numpy as np
import onnxruntime
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier


def exported(model, rows):
    """Return the first output of a model that was exported to ONNX, of the rows."""
    bytes_ = skl2onnx.to_onnx(model, initial_types=[("X", FloatTensorType([None, rows.shape[1]]))]).SerializeToString()
    return onnxruntime.InferenceSession(bytes_, providers=["CPUExecutionProvider"]).run(None, {"X": rows})[0]


print("skl2onnx", skl2onnx.__version__)
random = np.random.default_rng(0)
columns = random.normal(size=(500, 3)).astype(np.float32)
empty, gaps = columns.copy(), columns.copy()
empty[:, 0] = np.nan
gaps[random.random(columns.shape) < 0.3] = np.nan
tree, linear = DecisionTreeClassifier(random_state=0), LogisticRegression()
for name, imputer, classifier, rows, labels, alike in [
    ("a first column without values, a tree", SimpleImputer(), tree, empty, columns[:, 1] > 0, False),
    ("flags of gaps, a logistic regression", SimpleImputer(add_indicator=True), linear, gaps, np.isnan(gaps[:, 1]), False),
    ("gaps without flags, a tree", SimpleImputer(), tree, gaps, np.nan_to_num(gaps[:, 1]) > 0.5, True),
]:
    model = make_pipeline(imputer, classifier).fit(rows, labels)
    expected, seen = imputer.transform(rows), exported(imputer, rows)
    predicted = model.predict(rows)
    agreement = (exported(model, rows).astype(bool) == predicted).mean()
    print(f"{name} - columns expected: {expected.shape[1]} - seen: {seen.shape[1]}", end=" - ")
    print(f"predictions as of scikit-learn, expected: 1.0 - seen: {agreement}")
    assert (predicted == labels).all()
    assert (expected.shape == seen.shape) == alike and ((agreement == 1.0) if alike else (agreement < 0.7))
PYTHON
