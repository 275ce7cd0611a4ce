#!/usr/bin/env bash
# tf2onnx 1.17.0: converted divisions of whole numbers round towards zero instead of down, and the remainder of -1 by 180 is -1 instead of 179.
#
# // and % of tensors, tf.math.floordiv and floormod, round down. The conversion writes ONNX's Div, which cuts off fractions of whole
# numbers, and computes the remainder from it. So a hue that is turned below 0 leaves its range, and a position left of the first cell of a
# grid is in the first cell. Of floats, and of numbers that are not negative, both are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tf2onnx==1.17.0 tensorflow==2.21.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 protobuf==7.36.2 2>/dev/null
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES='' "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


def compute(function, numbers):
    """Return what TensorFlow and ONNX Runtime compute of the numbers."""
    signature = [tf.TensorSpec(numbers.shape, numbers.dtype)]
    function = tf.function(function, input_signature=signature)
    model, _ = tf2onnx.convert.from_function(function, signature, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return function(numbers).numpy().tolist(), session.run(None, {model.graph.input[0].name: numbers})[0].tolist()


print("tf2onnx", tf2onnx.__version__)
hues = np.array([5, 15, 170], np.int32)
expected, seen = compute(lambda hue: (hue - 20) % 180, hues)
print(f"the hues {hues.tolist()} turned by -20 degrees of 180 - expected: {expected} - seen: {seen}")
assert expected == [165, 175, 150] and seen == [-15, -5, 150]
columns = np.array([-40, -1, 0, 40], np.int32)
expected, seen = compute(lambda column: column // 32, columns)
print(f"the cells of the columns {columns.tolist()}, 32 wide each - expected: {expected} - seen: {seen}")
assert expected == [-2, -1, 0, 1] and seen == [-1, 0, 0, 1]
expected, seen = compute(lambda column: column // 32, columns.astype(np.float32))
assert expected == seen == [-2, -1, 0, 1]
PYTHON
