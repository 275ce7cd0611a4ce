#!/usr/bin/env bash
# OpenVINO 2026.4.1: an LSTM of an ONNX model is computed without its peephole weights, and without input_forget, without an error.
#
# The eighth input of an LSTM, P, holds weights by which its gates see the state of the cell. OpenVINO's outputs are the same to the bit as
# without it, and as without input_forget=1, which couples the gates for input and forgetting: the converter reads both, and the operator
# that it creates, LSTMSequence, takes neither. The equations of the standard are computed by NumPy, too, and ONNX Runtime agrees with
# them. A related issue, 37820 (open), is on the attribute layout.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(0)
sequences = random.normal(size=(5, 2, 3)).astype(np.float32)
weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in {"w": (1, 16, 3), "r": (1, 16, 4), "b": (1, 32)}.items()}
peepholes = random.normal(size=(1, 12)).astype(np.float32)


def by_the_standard(peepholes, input_forget):
    """Return the final state by the equations of ONNX."""
    w, r, b = (weights[name][0].astype(float) for name in "wrb")
    p_input, p_output, p_forget = peepholes[0].reshape(3, 4)
    hidden = cell = np.zeros((2, 4))
    for step in sequences:
        gate_i, gate_o, gate_f, new = np.split(step @ w.T + hidden @ r.T + b[:16] + b[16:], 4, axis=1)
        gate_i = 1 / (1 + np.exp(-gate_i - p_input * cell))
        gate_f = 1 - gate_i if input_forget else 1 / (1 + np.exp(-gate_f - p_forget * cell))
        cell = gate_f * cell + gate_i * np.tanh(new)
        hidden = np.tanh(cell) / (1 + np.exp(-gate_o - p_output * cell))
    return hidden


def computed(peepholes=None, **attributes):
    """Return the final state by ONNX Runtime and by OpenVINO."""
    inputs = weights if peepholes is None else {**weights, "p": peepholes}
    names = ["x", "w", "r", "b"] + ([] if peepholes is None else ["", "", "", "p"])
    node = helper.make_node("LSTM", names, ["", "y"], hidden_size=4, **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, sequences.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2, 4))
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(array, name) for name, array in inputs.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": sequences})[0][0], compiled([sequences])[0][0]


print("OpenVINO", openvino.__version__)
without = np.zeros((1, 12))
_, plain = computed()
assert np.allclose(plain, by_the_standard(without, False), atol=1e-4)
for name, expected, (runtime, seen) in (
    ("peepholes", by_the_standard(peepholes, False), computed(peepholes)),
    ("input_forget", by_the_standard(without, True), computed(input_forget=1)),
):
    print(f"{name} - expected: {expected[0].round(2)} - seen: {seen[0].round(2)} - without: {plain[0].round(2)}", end=" - ")
    print(f"ONNX Runtime: {runtime[0].round(2)}")
    assert np.array_equal(seen, plain) and not np.allclose(seen, expected, atol=0.01)
assert np.allclose(computed(peepholes)[0], by_the_standard(peepholes, False), atol=1e-4)
PYTHON
