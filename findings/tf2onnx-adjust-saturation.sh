#!/usr/bin/env bash
# tf2onnx 1.17.0: a converted tf.image.adjust_saturation exchanges colour channels: green becomes blue, also at a factor of 1.
#
# The conversion sorts the three channels of each pixel, scales them, and is to put them back in order; it applies the order
# once more instead of undoing it. Where the channels descend, or two of them change places, both are the same: such pixels are right. The
# conversion succeeds, and ONNX's own reference implementation gives the same wrong colours.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tf2onnx==1.17.0 tensorflow==2.21.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 protobuf==7.36.2 2>/dev/null
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from onnx.reference import ReferenceEvaluator

pixels = np.array([[[[0.9, 0.2, 0.1], [0.1, 0.5, 0.3], [0.3, 0.3, 0.8], [0.2, 0.9, 0.1]]]], np.float32)


def colors(factor):
    """Return what TensorFlow, ONNX Runtime and ONNX's reference make of the pixels."""
    signature = [tf.TensorSpec(pixels.shape)]
    function = tf.function(lambda images: tf.image.adjust_saturation(images, factor), input_signature=signature)
    model, _ = tf2onnx.convert.from_function(function, signature, opset=18)
    feed = {model.graph.input[0].name: pixels}
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs = function(pixels).numpy(), session.run(None, feed)[0], ReferenceEvaluator(model).run(None, feed)[0]
    return [[[round(float(value), 3) for value in pixel] for pixel in output[0, 0]] for output in outputs]


print("tf2onnx", tf2onnx.__version__)
for factor in (1.0, 1.5):
    tensorflow, onnx_runtime, reference = colors(factor)
    print(f"factor {factor}: expected, as of TensorFlow:", tensorflow)
    print(f"factor {factor}: seen in ONNX Runtime:      ", onnx_runtime)
    assert np.allclose(onnx_runtime, reference, atol=1e-3)
    differ = [not np.allclose(a, b, atol=2e-3) for a, b in zip(tensorflow, onnx_runtime)]
    assert differ == [False, True, True, False]
    if factor == 1:
        assert np.allclose(tensorflow, pixels[0, 0], atol=1e-3)
        assert onnx_runtime[1:3] == [[0.3, 0.1, 0.5], [0.3, 0.8, 0.3]]
PYTHON
