#!/usr/bin/env bash
# OnnxSlim 0.1.98: a factor for each column of an image becomes one for each channel, if there are as many of both.
#
# A convolution whose output is multiplied by constants is fused with them: the weights of each channel are multiplied instead. OnnxSlim
# checks that there are as many constants as channels, not that they lie along that axis, though ONNX aligns shapes on the right. So a
# window over the width or the height is applied to the channels. The fusion with an addition checks the axis.
# A padding whose axes are named in another order than the image's is fused in that order, too, which exchanges height and width. The
# slimmed models are valid, and ONNX Runtime runs them without an error. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import onnxslim


def run(model, image):
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"image": image})[0]


print("OnnxSlim", onnxslim.__version__)
random = np.random.default_rng(0)
image = random.normal(size=(1, 3, 8, 8)).astype(np.float32)
weights = {"weights": random.normal(size=(8, 3, 3, 3)).astype(np.float32), "bias": np.ones(8, np.float32)}
factors = np.linspace(0.5, 1.5, 8, dtype=np.float32)
convolution = onnx.helper.make_node("Conv", ["image", "weights", "bias"], ["convolved"], pads=[1, 1, 1, 1])
nodes = {op: [convolution, onnx.helper.make_node(op, ["convolved", "constants"], ["output"])] for op in ("Add", "Mul")}
nodes["Pad"] = [onnx.helper.make_node("Pad", ["image", "constants", "", "axes"], ["padded"])]
nodes["Pad"] += [onnx.helper.make_node("Conv", ["padded", "weights", "bias"], ["output"])]
axes = np.array([0, 1, 3, 2])
for name, operator, constants, right in [
    ("a factor for each channel", "Mul", {"constants": factors.reshape(1, 8, 1, 1)}, True),
    ("a factor for each row", "Mul", {"constants": factors.reshape(1, 1, 8, 1)}, False),
    ("a factor for each column", "Mul", {"constants": factors}, False),
    ("a sum for each column", "Add", {"constants": factors}, True),
    ("one more column and two rows", "Pad", {"constants": np.array([0, 0, 0, 0, 0, 0, 1, 2]), "axes": axes}, False),
]:
    inputs = [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, image.shape)]
    outputs = [onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, None)]
    initializers = [onnx.numpy_helper.from_array(value, key) for key, value in {**weights, **constants}.items()]
    graph = onnx.helper.make_graph(nodes[operator], "graph", inputs, outputs, initializers)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    expected, seen = run(model, image), run(onnxslim.slim(model), image)
    error = np.abs(expected - seen).max() if expected.shape == seen.shape else np.inf
    print(f"{name} - expected: {expected.shape} - seen: {seen.shape}, off by up to {error:.2g}")
    assert error < 1e-4 if right else error > 1
PYTHON
