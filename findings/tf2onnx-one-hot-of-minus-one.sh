#!/usr/bin/env bash
# tf2onnx 1.17.0: a converted tf.one_hot takes -1, an unknown category or a pixel to ignore, for the last category.
#
# tf.one_hot gives a row of zeros for -1, as an example of its documentation shows, which is how unknown categories and void pixels are
# encoded. The conversion writes OneHot, of which ONNX says that negative indices count from the end. Indices that are too large are zeros
# in both.
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
categories = np.array([0, 2, -1, 3], np.int32)
expected, seen = compute(lambda indices: tf.one_hot(indices, 3), categories)
print(f"{categories.tolist()}, one of three categories each\nexpected: {expected}\nseen: {seen}")
assert expected == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
assert seen == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]]
PYTHON
