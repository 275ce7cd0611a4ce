#!/usr/bin/env bash
# OpenVINO 2026.4.1: predictions in bfloat16 arrive in NumPy as float16 with the same bits: 6.0 is 2.375, and 0.0625 is 1.375.
#
# NumPy has no bfloat16, so OpenVINO labels its memory as float16, which has as many bits but other ones for the exponent. A model that
# was converted or trained in bfloat16 returns such outputs, whose numbers look plausible: all probabilities from 0.001 to 1 lie between
# 0.8 and 1.9. So do Constant.data, for weights, and Tensor.data. The other way, a float16 photo for a bfloat16 input is taken bit by bit,
# 1.0 for 0.0078, where a float32 one is an error. The type of the model's output says bfloat16, so a caller can view the bits as what they
# are. ONNX Runtime refuses such an output. Keras works around it (keras pull request 22567); OpenVINO's own change was closed (23263).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 ml_dtypes==0.6.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import ml_dtypes
import numpy as np
import openvino
import openvino.opset13 as ops

print("OpenVINO", openvino.__version__)


def compute(inputs, source, target):
    """Convert the inputs from one type to the other by a compiled model."""
    parameter = ops.parameter(list(inputs.shape), source)
    model = openvino.Model([ops.result(ops.convert(parameter, target))], [parameter], "cast")
    return openvino.Core().compile_model(model, "CPU")([inputs])[0]


expected = np.array([0.0625, 0.5, 1, 6], np.float32)
for target in ("f32", "f16", "bf16"):
    seen = compute(expected, np.float32, target)
    print(f"an output in {target} - expected: {expected} - seen: {seen} in {seen.dtype}")
    assert np.array_equal(seen, expected) == (target != "bf16")
assert np.array_equal(seen.view(ml_dtypes.bfloat16).astype(np.float32), expected)
seen = ops.constant(expected, dtype=openvino.Type.bf16).data
print(f"a constant in bf16 - expected: {expected} - seen: {seen} in {seen.dtype}")
assert seen.max() == 2.375
for dtype in (ml_dtypes.bfloat16, np.float16):
    seen = compute(expected.astype(dtype), openvino.Type.bf16, "f32")
    print(f"an input in bf16, given {np.dtype(dtype)} - expected: {expected} - seen: {seen}")
    assert np.array_equal(seen, expected) == (dtype != np.float16)
PYTHON
