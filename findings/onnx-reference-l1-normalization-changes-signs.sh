#!/usr/bin/env bash
# onnx 1.23.2: ReferenceEvaluator divides by the sum instead of by the sum of absolute values in LpNormalization(p=1), so signs change.
#
# The L1 norm of 3, -1 and -1.5 is 5.5, and of the normalized numbers it is 1. The reference divides by their sum, 0.5, so that numbers grow
# and, where the sum is negative, all change their signs; where it is near zero they are of any size. LpNormalization(p=2) and ReduceL1 are
# right. It is the implementation that runtimes are compared with, and the standard names an Lp-norm. ONNX Runtime is right.
# Known from pull request 8427 of September 2026, which is in no release.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def normalized(rows, p):
    """Return the rows divided by their norm, by the reference and by ONNX Runtime."""
    node = helper.make_node("LpNormalization", ["x"], ["y"], axis=-1, p=p)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, rows.shape) for name in "xy")
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return ReferenceEvaluator(model).run(None, {"x": rows})[0], session.run(None, {"x": rows})[0]


print("onnx", onnx.__version__)
features = np.array([[3, -1, -1.5], [-3, 1, 1.5], [1, 2, 1]], np.float32)
for p in (1, 2):
    expected = features / np.linalg.norm(features, ord=p, axis=1, keepdims=True)
    reference, runtime = normalized(features, p)
    for row, right, seen in zip(features, expected, reference, strict=True):
        print(f"p={p}, {row} - expected: {right.round(3)} - seen: {seen.round(3)}")
    assert np.allclose(runtime, expected)
    wrong = ~np.isclose(reference, expected).all(axis=1)
    assert wrong.tolist() == [p == 1, p == 1, False]
assert (np.sign(normalized(features, 1)[0][1]) == -np.sign(features[1])).all()
PYTHON
