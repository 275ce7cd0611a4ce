#!/usr/bin/env bash
# ONNX Runtime 1.32.0: pooling with auto_pad and dilations returns a smaller image than the standard says, shifted by a pixel.
#
# The standard says that with SAME_UPPER or SAME_LOWER the size is that of the input, divided by the stride and rounded up. The padding is
# computed from the size of the kernel without its dilation, so that a kernel of 3 with a dilation of 2, which covers 5 pixels, loses two
# rows and columns, and the first pixel is the maximum around the second one of the photo. onnx's shape inference, its reference
# implementation and OpenVINO have the full size. A convolution with both is refused; of pooling, a line in the log warns of
# the shape, if the size of the input is fixed. Known in part from issue 10083 (open), on ceil_mode.
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

photo = np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)
print("ONNX Runtime", onnxruntime.__version__)


def pooled(operator, size, stride, dilation, auto_pad):
    """Return the shape that onnx infers and the pixels that ONNX Runtime computes."""
    node = helper.make_node(
        operator, ["x"], ["y"], kernel_shape=[size] * 2, strides=[stride] * 2, dilations=[dilation] * 2, auto_pad=auto_pad
    )
    x, y = helper.make_tensor_value_info("x", TensorProto.FLOAT, photo.shape), helper.make_empty_tensor_value_info("y")
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    shape = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0].type.tensor_type.shape
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return tuple(side.dim_value for side in shape.dim), session.run(None, {"x": photo})[0]


for operator in ("MaxPool", "AveragePool", "LpPool"):
    for stride in (1, 2):
        for dilation in (1, 2):
            shape, pixels = pooled(operator, 3, stride, dilation, "SAME_UPPER")
            print(f"{operator}, stride {stride}, dilation {dilation} - expected: {shape[2:]} - seen: {pixels.shape[2:]}")
            assert (shape == pixels.shape) == (dilation == 1)
_, pixels = pooled("MaxPool", 3, 1, 2, "SAME_UPPER")
expected = photo[0, 0, 0:3:2, 0:3:2].max()
print(f"the first pixel, of {photo[0, 0, 0:3:2, 0:3:2].ravel()} - expected: {expected} - seen: {pixels[0, 0, 0, 0]}")
assert expected == 18 and pixels[0, 0, 0, 0] == 27
PYTHON
