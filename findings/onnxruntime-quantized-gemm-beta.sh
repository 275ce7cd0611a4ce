#!/usr/bin/env bash
# ONNX Runtime 1.32.0: quantize_static() divides a bias by the beta of its Gemm instead of multiplying, so predictions change.
#
# A Gemm computes alpha * A @ B + beta * C. quantize_static() sets beta to 1 and puts it into the steps that the integers of C count, but
# computes the integers with the same steps, so C is as large as before. The fused operator reads them in steps without beta: at a beta
# of 0.5, a bias of 2 counts 4 instead of 1. A beta of 1 is right, and so is quantize_dynamic() of the same model. PyTorch 2.14.1 exports
# addmm(beta=0.5) as such a Gemm. Near to it: issue 28130, of alpha, which is fixed. No issue describes it of beta.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static

random = np.random.default_rng(0)
features = random.uniform(0, 1, (200, 16)).astype(np.float32)
weights = random.normal(0, 0.5, (16, 4)).astype(np.float32)
bias = (-2 * features.mean(0) @ weights).astype(np.float32)  # at a beta of 0.5 the classes are about equally frequent


class Photos(CalibrationDataReader):
    def __init__(self):
        self.rows = iter(features)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"features": row[None]}


def logits(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"features": features})[0]


print("ONNX Runtime", onnxruntime.__version__)
for beta in (1.0, 0.5, 2.0):
    tensors = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")]
    node = helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"], beta=beta)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", n]) for name, n in (("features", 16), ("logits", 4))]
    graph = helper.make_graph([node], "classifier", values[:1], values[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), "model.onnx")
    expected = logits("model.onnx")
    assert np.allclose(expected, features @ weights + beta * bias, atol=1e-4)
    quantize_dynamic("model.onnx", "dynamic.onnx")
    assert np.abs(logits("dynamic.onnx") - expected).max() < 0.1
    for quant_format in (QuantFormat.QDQ, QuantFormat.QOperator):
        quantize_static("model.onnx", "static.onnx", Photos(), quant_format=quant_format)
        seen = logits("static.onnx")
        changed = int((seen.argmax(1) != expected.argmax(1)).sum())
        print(f"beta={beta}, {quant_format.name} - expected: logits of the first photo {expected[0].round(2)}", end=" - ")
        print(f"seen: {seen[0].round(2)}, predictions that change: {changed} of 200")
        if beta == 1:
            assert changed < 10
        else:
            assert changed > 50
PYTHON
