#!/usr/bin/env bash
# tf2onnx 1.17.0: a resize by area becomes one that picks single pixels.
#
# tf.image.resize(method="area"), and so Keras's Resizing(interpolation="area"), averages the pixels that each new one covers. The
# conversion succeeds and writes a Resize that takes the first pixel of each block, as "nearest" does: photos made smaller within
# the model come out with noise and jagged edges, and a classifier sees what it never saw in training. Bilinear,
# bicubic and nearest are converted to the same method.
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

image = np.tile(np.array([[0, 100], [100, 200]], np.float32), (3, 3))[None, :, :, None]  # 6 by 6 pixels, mean 100


def resized(method):
    """Return the 3 by 3 pixels that TensorFlow and ONNX Runtime make of the image."""
    signature = [tf.TensorSpec(image.shape)]
    function = tf.function(lambda images: tf.image.resize(images, (3, 3), method=method), input_signature=signature)
    model, _ = tf2onnx.convert.from_function(function, signature, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return function(image).numpy().ravel().tolist(), session.run(None, {model.graph.input[0].name: image})[0].ravel().tolist()


print("tf2onnx", tf2onnx.__version__)
for method in ("bilinear", "area"):
    expected, seen = resized(method)
    print(method, "- expected:", expected, "- seen:", seen)
    assert expected == [100] * 9
    assert seen == ([100] * 9 if method == "bilinear" else [0] * 9)
PYTHON
