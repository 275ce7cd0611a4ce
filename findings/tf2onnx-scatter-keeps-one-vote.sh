#!/usr/bin/env bash
# tf2onnx 1.17.0: a converted tf.scatter_nd keeps one of the values for an index instead of their sum, so a class with four votes has one.
#
# The documentation of tf.scatter_nd says of duplicate indices that "the associated updates are accumulated (summed)". The conversion writes
# ScatterND without reduction="add", which ONNX has since opset 16. So neighbours that vote, and photos that are counted by class within a
# model, are wrong. A converted tf.tensor_scatter_nd_add adds them up.
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
neighbours = np.array([[2], [0], [2], [2], [2]], np.int32)  # the classes of the five nearest photos
weights = [1.0, 2.5, 1.0, 1.0, 1.0]
for name, function, right in [
    ("scatter_nd", lambda classes: tf.scatter_nd(classes, weights, [3]), False),
    ("tensor_scatter_nd_add", lambda classes: tf.tensor_scatter_nd_add(tf.zeros(3), classes, weights), True),
]:
    expected, seen = compute(function, neighbours)
    print(f"{name}, votes by class - expected: {expected}, class {np.argmax(expected)} - seen: {seen}, class {np.argmax(seen)}")
    assert expected == [2.5, 0, 4] and seen == (expected if right else [2.5, 0, 1])
PYTHON
