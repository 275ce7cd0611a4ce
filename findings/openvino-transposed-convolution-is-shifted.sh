#!/usr/bin/env bash
# OpenVINO 2026.4.1: a transposed convolution of an ONNX model with output_shape and SAME_UPPER is shifted by a pixel, up and left.
#
# If the padding is odd, the standard puts the larger half behind the image with SAME_UPPER, and before it with SAME_LOWER. OpenVINO puts it
# before the image with both, if output_shape is given, as ONNX Runtime does without auto_pad; without output_shape, both are right. ONNX
# Runtime, onnx's reference and the formula agree. A segmentation that is enlarged so is a pixel off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

dot = np.zeros((1, 1, 8, 8), np.float32)
dot[0, 0, 4, 4] = 1
kernel = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)


def enlarged(auto_pad, **attributes):
    """Return the dot enlarged to 16 x 16 pixels by ONNX Runtime and by OpenVINO."""
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], auto_pad=auto_pad, **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, dot.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 1, 16, 16))
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(kernel, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": dot})[0][0, 0], compiled([dot])[0][0, 0]


print("OpenVINO", openvino.__version__)
for auto_pad in ("SAME_UPPER", "SAME_LOWER"):
    for attributes in ({}, {"output_shape": [16, 16]}):
        whole = np.zeros((17, 17), np.float32)  # of which a row and a column are cut off, as 2 * (8 - 1) + 3 - 16 is 1
        whole[8:11, 8:11] = kernel[0, 0]
        expected = whole[:16, :16] if auto_pad == "SAME_UPPER" else whole[1:, 1:]
        runtime, seen = enlarged(auto_pad, **attributes)
        corner = np.argwhere(seen)[0].tolist()
        print(f"{auto_pad}, {attributes}: the corner of the dot - expected: {np.argwhere(expected)[0].tolist()} - seen: {corner}")
        assert np.array_equal(runtime, expected)
        wrong = auto_pad == "SAME_UPPER" and bool(attributes)
        assert np.array_equal(seen, whole[1:, 1:] if wrong else expected)
PYTHON
