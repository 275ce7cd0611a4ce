#!/usr/bin/env bash
# onnx 1.23.2: convert_version() from opset 13 to 12 leaves Softmax over the classes as it is, which is over all pixels in opset 12.
#
# Before opset 13, Softmax flattens the dimensions from axis on; since then, it is over one axis. From 12 to 13 the converter adds a
# Flatten and a Reshape. From 13 to 12 it only makes the axis positive, so that the probabilities of a segmentation sum to 1 over the
# photo instead of at each pixel. So does LogSoftmax; and Hardmax passes from 11 to 13 as it is, though it changed in the same way.
# No warning says so. In issue 6340 (closed), which asked for the conversion, a maintainer wrote that it takes a Transpose.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, version_converter

print("onnx", onnx.__version__)
logits = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)


def output(model):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": logits})[0]


for operator, old, new, axis, right in [
    ("Softmax", 13, 12, 1, False),
    ("LogSoftmax", 13, 12, 1, False),
    ("Softmax", 13, 12, -1, True),
    ("Softmax", 12, 13, 1, True),
    ("LogSoftmax", 12, 13, 1, True),
    ("Hardmax", 11, 13, 1, False),
]:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, logits.shape) for name in "xy")
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], axis=axis)], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", old)], ir_version=7)
    converted = version_converter.convert_version(model, new)
    assert converted.opset_import[0].version == new
    before, after = output(model), output(converted)
    sums = [float((np.exp(each) if operator == "LogSoftmax" else each).sum()) for each in (before, after)]
    print(f"{operator} of axis {axis}, from {old} to {new} - expected: a sum of {sums[0]:.2f} - seen: {sums[1]:.2f}")
    assert np.allclose(before, after, atol=1e-6) == right
PYTHON
