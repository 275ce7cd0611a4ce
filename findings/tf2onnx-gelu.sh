#!/usr/bin/env bash
# tf2onnx 1.17.0: an ONNX export of a Keras network with GELU, such as ConvNeXt, ends as if it had worked, but no runtime opens the file.
#
# TensorFlow 2.21.0 computes the exact GELU, which is Keras's default, by erfc(), and Keras runs convolutions in groups, as ConvNeXt's
# depthwise ones, inside a compiled function. tf2onnx has no operator for either: it logs an error and writes TensorFlow's own operator,
# which ONNX does not have, under ONNX's name. Keras's export() returns normally. The approximate GELU and DepthwiseConv2D are right.
# Known (tf2onnx issue 2099 of groups and pull request 2463 of GELU, both open), but not documented, and nothing says so to a caller.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0 \
    protobuf==7.36.2 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow
import tf2onnx

print("tf2onnx", tf2onnx.__version__, "- Keras", keras.__version__, "- TensorFlow", tensorflow.__version__)
photos = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype(np.float32)
layers = {
    "the approximate GELU": keras.layers.Activation(lambda x: keras.activations.gelu(x, approximate=True)),
    "GELU": keras.layers.Activation("gelu"),
    "a depthwise convolution": keras.layers.DepthwiseConv2D(3),
    "a convolution in 4 groups": keras.layers.Conv2D(4, 3, groups=4),
}
for name, layer in layers.items():
    pixels = keras.Input((8, 8, 4), name="pixels")
    model = keras.Model(pixels, layer(pixels))
    expected = np.asarray(model(photos))
    model.export("model.onnx", format="onnx", verbose=False)  # raises nothing
    unknown = {node.op_type for node in onnx.load("model.onnx").graph.node if not onnx.defs.has(node.op_type, node.domain)}
    try:
        session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
        seen = session.run(None, {session.get_inputs()[0].name: photos})[0]
        opened = f"the same output: {np.allclose(seen, expected, atol=1e-5)}"
    except Exception as error:
        opened = type(error).__name__
    print(f"{name} - expected: the same output: True - seen: {opened}; operators that ONNX lacks: {sorted(unknown)}")
    if name in ("GELU", "a convolution in 4 groups"):
        assert unknown and opened != "the same output: True"
    else:
        assert not unknown and opened == "the same output: True"
PYTHON
