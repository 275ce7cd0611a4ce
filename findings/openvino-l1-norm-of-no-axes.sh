#!/usr/bin/env bash
# OpenVINO 2026.4.1: ReduceL1 and ReduceL2 of an ONNX model return negative numbers if noop_with_empty_axes leaves no axes to reduce.
#
# The standard says that without axes only the reduction is skipped, and "composite-reduction operators will still perform the non-reduction
# steps": ReduceL1 takes absolute values, ReduceL2 the root of the square, and ReduceLogSum the logarithm. OpenVINO hands the input on.
# ReduceSumSquare is right. ONNX Runtime and onnx's ReferenceEvaluator compute all as the standard says. Near to it: pull request 32598
# (merged), which repaired ReduceLogSumExp, and issue 38238 (open), in which ReduceL1 ignores its axes before opset 18.
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

print("OpenVINO", version("openvino"))
signed = np.array([-1, 2, -4], dtype=np.float32)
expected = {"ReduceL1": abs(signed), "ReduceL2": abs(signed), "ReduceSumSquare": signed**2, "ReduceLogSum": np.log([1, 2, 4])}
for operator, values in expected.items():
    given = abs(signed) if operator == "ReduceLogSum" else signed
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], noop_with_empty_axes=1)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    assert np.allclose(onnxruntime.InferenceSession(content).run(None, {"x": given})[0], values)
    core = openvino.Core()
    (seen,) = core.compile_model(core.read_model(content), "CPU")({"x": given}).values()
    print(f"{operator} of {given.tolist()} - expected: {np.round(values, 2).tolist()} - seen: {seen.tolist()}")
    assert np.array_equal(seen, given) == (operator != "ReduceSumSquare")
    assert np.allclose(seen, values) == (operator == "ReduceSumSquare")
PYTHON
