#!/usr/bin/env bash
# onnxoptimizer 0.4.2: its default passes turn padding with zeros before max pooling into padding with minus infinity.
#
# fuse_pad_into_pool moves the Pad node into the pads of MaxPool, which are never the maximum, whereas zeros are where all else
# is negative. So a model with a zero-padded max pooling (Keras's ZeroPadding2D and MaxPooling2D, PyTorch's ZeroPad2d and MaxPool2d)
# gives other numbers after it was "simplified", unless a ReLU happens to be before it. onnxslim 0.1.98 and ONNX Runtime's own optimizer
# leave the Pad alone. Known (onnx/optimizer pull request 318, open), but no release has the fix.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxoptimizer==0.4.2 onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxslim

image = -np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)  # -1 to -16
nodes = [
    onnx.helper.make_node("Pad", ["x", "pads", "zero"], ["padded"]),
    onnx.helper.make_node("MaxPool", ["padded"], ["y"], kernel_shape=[3, 3], strides=[2, 2]),
]
constants = [
    onnx.numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 0, 0]), "pads"),  # a row above, a column at the left
    onnx.numpy_helper.from_array(np.float32(0), "zero"),
]
inputs = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, image.shape)]
outputs = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1, 1, 2, 2))]
graph = onnx.helper.make_graph(nodes, "pool", inputs, outputs, constants)
model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
onnx.checker.check_model(model, full_check=True)


def run(model, level):
    """Return what ONNX Runtime computes at a level of its own optimization."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": image})[0].ravel().tolist()


plain, optimized = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
print("onnxoptimizer", version("onnxoptimizer"))
expected = run(model, plain)
seen = run(onnxoptimizer.optimize(model), plain)
print("expected, as of the model:", expected, "- seen of the optimized model:", seen)
assert expected == [0, 0, 0, -6] == run(model, optimized) == run(onnxslim.slim(model), plain)
assert seen == [-1, -2, -5, -6]
PYTHON
