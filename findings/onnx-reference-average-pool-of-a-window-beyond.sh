#!/usr/bin/env bash
# onnx 1.23.2: ReferenceEvaluator averages other pixels with ceil_mode=1: the first window of three of 10, 20, 30, ... is 15 instead of 20.
#
# With ceil_mode, the last window may reach beyond the image. The evaluator pads for it on both sides instead of at the end, so that
# where two pixels or more are missing, all windows start before the image, though the standard starts at the attribute pads. LpPool
# has the same fault, and another: it divides the sum of the last window by the number of pixels there and multiplies it by the
# size of the kernel. ONNX Runtime and PyTorch start at the first pixel. Near to it: issue 4958 (closed), of NaN in the last
# window. No issue of the project describes this.
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

print("onnx", onnx.__version__)
row = np.arange(10, 80, 10, dtype=np.float32)


def pooled(operator, size, stride):
    """Return the row, pooled by ONNX Runtime and by the reference."""
    options = {"p": 1} if operator == "LpPool" else {}
    node = helper.make_node(operator, ["x"], ["y"], kernel_shape=[1, size], strides=[1, stride], ceil_mode=1, **options)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 1, 1, width)) for name, width in [("x", 7), ("y", None)])
    graph = helper.make_graph([node], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    feed = {"x": row.reshape(1, 1, 1, 7)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [output[0].ravel().tolist() for output in (session.run(None, feed), ReferenceEvaluator(model).run(None, feed))]


for operator, of_window, size, stride, wrong in [
    ("AveragePool", np.mean, 3, 3, [15, 40, 60]),
    ("AveragePool", np.mean, 5, 4, [25, 50]),
    ("AveragePool", np.mean, 3, 2, None),
    ("LpPool", np.sum, 3, 3, [30, 120, 180]),
    ("LpPool", np.sum, 2, 2, [30, 70, 110, 140]),
    ("LpPool", np.sum, 3, 2, None),
]:
    expected = [float(of_window(row[start : start + size])) for start in range(0, 7, stride)][: -(-(7 - size) // stride) + 1]
    runtime, seen = pooled(operator, size, stride)
    print(f"{operator} of {size}, stride {stride} - expected: {expected} - seen: {seen}")
    assert runtime == expected
    assert seen == (wrong or expected)
PYTHON
