#!/usr/bin/env bash
# skl2onnx 1.20.0: an exported Normalizer(norm="max") divides a row by its largest number, not by its largest absolute number.
#
# scikit-learn documents that each row is scaled by "the maximum of the absolute values"; ONNX's operator of the same name takes the
# maximum itself. So (-4, 1) becomes (-4, 1) instead of (-1, 0.25), and a row of negative numbers changes its signs. What follows in a
# pipeline then classifies other features than it was fitted to. Rows without negative numbers are right, and so are "l1" and "l2".
# The conversion raises no error and no warning. Known from issue 793 (closed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error::UserWarning - <<'PYTHON'
import numpy as np
import onnxruntime
import skl2onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer


def exported(model, rows):
    """Return the first output of a model that was exported to ONNX, of the rows."""
    bytes_ = skl2onnx.to_onnx(model, rows[:1]).SerializeToString()
    return onnxruntime.InferenceSession(bytes_, providers=["CPUExecutionProvider"]).run(None, {"X": rows})[0]


print("skl2onnx", skl2onnx.__version__)
rows = np.array([[4, 1], [-4, 1], [-4, -1]], np.float32)
for norm in ("l1", "l2", "max"):
    model = Normalizer(norm=norm).fit(rows)
    expected, seen = model.transform(rows), exported(model, rows)
    print(f"{norm} - expected: {np.round(expected.tolist(), 2).tolist()} - seen: {np.round(seen.tolist(), 2).tolist()}")
    assert np.allclose(expected, seen, atol=1e-6) == (norm != "max") and np.allclose(expected[0], seen[0], atol=1e-6)

random = np.random.default_rng(0)
labels = random.integers(0, 3, 1000)
features = (random.normal(-1, 1, (3, 8))[labels] + random.normal(0, 0.5, (1000, 8))).astype(np.float32)
for norm in ("l2", "max"):
    model = make_pipeline(Normalizer(norm=norm), LogisticRegression()).fit(features, labels)
    changed = (exported(model, features) != model.predict(features)).sum()
    print(f"{norm} and a classifier - expected: no predictions of 1000 change - seen: {changed}")
    assert (changed > 100) == (norm == "max")
PYTHON
