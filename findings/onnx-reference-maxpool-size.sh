#!/usr/bin/env bash
# onnx 1.23.2: ReferenceEvaluator returns max poolings of another size than the standard's formula and onnx's own shape inference say.
#
# With auto_pad="SAME_LOWER", which is to keep ceil(9 / 2) = 5 rows, it returns 4; with ceil_mode=1, pads of 1 and a stride of 1, it returns
# 10 of 9 rows, where a window of 4 fits 8 times. The evaluator is what exports are compared with. ONNX Runtime returns the
# sizes of the shape inference; AveragePool of the same evaluator is right in the same cases, and so is MaxPool with SAME_UPPER. No issue of
# the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

image = np.random.default_rng(0).random((1, 1, 9, 9), np.float32)


def sizes(operator, **attributes):
    """Return the height of a pooling by shape inference, ONNX Runtime and the reference."""
    node = onnx.helper.make_node(operator, ["x"], ["y"], kernel_shape=[4, 4], **attributes)
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in [("x", image.shape), ("y", [1, 1, None, None])])
    graph = onnx.helper.make_graph([node], "pool", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    inferred = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim[2].dim_value
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return inferred, session.run(None, {"x": image})[0].shape[2], ReferenceEvaluator(model).run(None, {"x": image})[0].shape[2]


print("onnx", onnx.__version__)
lower, upper = {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}
ceil = {"ceil_mode": 1, "pads": [1, 1, 1, 1], "strides": [1, 1]}
for operator, attributes, wrong in [("MaxPool", lower, 4), ("MaxPool", ceil, 10), ("MaxPool", upper, None), ("AveragePool", lower, None), ("AveragePool", ceil, None)]:
    inferred, expected, seen = sizes(operator, **attributes)
    print(operator, attributes, "- rows expected, as of ONNX Runtime:", expected, "and of shape inference:", inferred, "- seen:", seen)
    assert inferred == expected
    assert seen == (wrong or expected)
PYTHON
