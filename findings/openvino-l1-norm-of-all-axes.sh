#!/usr/bin/env bash
# OpenVINO 2026.4.1: ReduceL1, ReduceLogSum and ReduceLogSumExp of an ONNX model before opset 18 reduce all axes instead of those it names.
#
# Until opset 17 the axes are an attribute. For these three OpenVINO seems to look for them in a second input only, where opset 18 has them,
# and to take none for all. ReduceL2, ReduceSumSquare, ReduceMax and ReduceMean of the same model are right, and so are all from opset 18 on.
# So features that a model divides by their L1 norm are divided by the norm of the whole batch, without an error: the shape stays right.
# ONNX Runtime and onnx's ReferenceEvaluator follow the standard. Known for ReduceL1: issue 38238 (open).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("OpenVINO", version("openvino"))


def rounded(values: np.ndarray) -> list[list[float]]:
    return values.astype(float).round(2).tolist()


features = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)


def run_all(nodes: list[onnx.NodeProto], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of ONNX Runtime, on which onnx's reference agrees, and that of OpenVINO."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", columns])
    graph = helper.make_graph(nodes, "graph", [given], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    right = onnxruntime.InferenceSession(content).run(None, {"x": features})[0]
    assert np.allclose(ReferenceEvaluator(model).run(None, {"x": features})[0], right)
    core = openvino.Core()
    (seen,) = core.compile_model(core.read_model(content), "CPU")({"x": features}).values()
    return right, seen


expected = {
    "ReduceL1": abs(features).sum(axis=1, keepdims=True),
    "ReduceLogSum": np.log(features.sum(axis=1, keepdims=True)),
    "ReduceLogSumExp": np.log(np.exp(features).sum(axis=1, keepdims=True)),
    "ReduceL2": np.sqrt((features**2).sum(axis=1, keepdims=True)),
    "ReduceSumSquare": (features**2).sum(axis=1, keepdims=True),
    "ReduceMean": features.mean(axis=1, keepdims=True),
    "ReduceMax": features.max(axis=1, keepdims=True),
}
for operator, values in expected.items():
    right, seen = run_all([helper.make_node(operator, ["x"], ["y"], axes=[1])], 1)
    print(f"{operator} of each row of {features.tolist()} - expected: {rounded(values)} - seen: {rounded(seen)}")
    assert np.allclose(right, values)
    if operator in ("ReduceL1", "ReduceLogSum", "ReduceLogSumExp"):
        assert seen.shape == (1, 1)
    else:
        assert np.allclose(seen, values)

nodes = [helper.make_node("ReduceL1", ["x"], ["norm"], axes=[1]), helper.make_node("Div", ["x", "norm"], ["y"])]
right, seen = run_all(nodes, 3)
print(f"rows divided by their L1 norms - expected: {rounded(right)} - seen: {rounded(seen)}")
assert np.allclose(right.sum(axis=1), 1)
assert np.allclose(seen, features / features.sum())
PYTHON
