#!/usr/bin/env bash
# onnx 1.23.2: ReferenceEvaluator computes Softmax of a model of opset 12 or older as that of opset 13, so that it sums to 6, not to 1.
#
# Before opset 13, Softmax, LogSoftmax and Hardmax flatten the dimensions from axis on (1 by default), and one distribution is over all
# of them; since then, over one axis, -1 by default. The evaluator has one implementation, and one default, for both. Of an
# old model whose outputs have height and width, it returns a distribution for each row or pixel. ONNX Runtime follows the standard.
# No issue of the project describes it; TVM's 19420 and OpenVINO's 37823 are the same error in these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__)
logits = np.random.default_rng(0).normal(size=(1, 3, 2, 2)).astype(np.float32)


def outputs(operator, opset, **attributes):
    """Return the operator's output by ONNX Runtime and by the reference."""
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, logits.shape) for name in "xy")
    graph = helper.make_graph([node], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": logits})[0], ReferenceEvaluator(model).run(None, {"x": logits})[0]


exponentials = np.exp(logits)
for opset, attributes in [(11, {}), (12, {"axis": 1}), (12, {"axis": 3}), (13, {"axis": 1})]:
    axes = tuple(range(attributes.get("axis", 1), 4)) if opset < 13 else attributes["axis"]
    expected = exponentials / exponentials.sum(axes, keepdims=True)
    runtime, seen = outputs("Softmax", opset, **attributes)
    print(f"Softmax, opset {opset}, {attributes} - expected: a sum of {expected.sum():.2f} - seen: {seen.sum():.2f}")
    assert np.allclose(runtime, expected, atol=1e-6)
    right = opset == 13 or attributes.get("axis") == 3
    assert np.allclose(seen, expected, atol=1e-6) == right
    runtime, seen = outputs("LogSoftmax", opset, **attributes)
    assert np.allclose(runtime, np.log(expected), atol=1e-5)
    assert np.allclose(seen, np.log(expected), atol=1e-5) == right
runtime, seen = outputs("Hardmax", 11)
print(f"Hardmax, opset 11 - expected: a one in {runtime.sum():.0f} place, the largest - seen: in {seen.sum():.0f}")
assert runtime.sum() == 1 and runtime.argmax() == logits.argmax() and seen.sum() == 6
PYTHON
