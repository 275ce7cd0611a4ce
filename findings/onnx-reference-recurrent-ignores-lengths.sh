#!/usr/bin/env bash
# onnx 1.23.2: ReferenceEvaluator ignores sequence_lens, clip and input_forget of LSTM, GRU and RNN, and the activations of LSTM and GRU.
#
# It is the implementation that runtimes are compared with. Of a batch of sequences that are padded to the longest one, it also reads the
# padding, so the final states are not those of each sequence by itself. The standard says that sequence_lens are the lengths, and what
# clip, input_forget and activations do. There is neither an error nor a warning, while an RNN refuses an activation that it does not
# know. ONNX Runtime is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

random = np.random.default_rng(0)
padded = random.normal(size=(6, 2, 3)).astype(np.float32)
lengths = np.array([2, 6], np.int32)


def final_states(operator, gates, sequences, lengths=None, **attributes):
    """Return the final states, by the reference and by ONNX Runtime."""
    random = np.random.default_rng(1)
    weights = {"w": (1, gates * 4, 3), "r": (1, gates * 4, 4), "b": (1, gates * 8)}
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in weights.items()}
    if lengths is not None:
        weights["lengths"] = lengths
    node = helper.make_node(operator, ["x", *weights], ["", "y"], hidden_size=4, **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, sequences.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, sequences.shape[1], 4))
    initializers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph([node], "g", [x], [y], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return ReferenceEvaluator(model).run(None, {"x": sequences})[0][0], session.run(None, {"x": sequences})[0][0]


print("onnx", onnx.__version__)
for operator, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
    plain, _ = final_states(operator, gates, padded)
    expected, _ = final_states(operator, gates, padded[:2, :1])
    reference, runtime = final_states(operator, gates, padded, lengths)
    print(f"{operator}, a sequence of 2 that is padded to 6 - expected: {expected[0].round(2)}, as by itself", end=" - ")
    print(f"seen: {reference[0].round(2)}; ONNX Runtime: {runtime[0].round(2)}")
    assert np.allclose(expected[0], runtime[0], atol=1e-5)
    assert np.allclose(reference, plain) and not np.allclose(reference[0], runtime[0], atol=0.01)
for operator, gates, attributes in (
    ("LSTM", 4, {"clip": 0.1}),
    ("LSTM", 4, {"input_forget": 1}),
    ("LSTM", 4, {"activations": ["Sigmoid", "Relu", "Relu"]}),
    ("GRU", 3, {"clip": 0.1}),
    ("GRU", 3, {"activations": ["Sigmoid", "Relu"]}),
    ("RNN", 1, {"clip": 0.1}),
):
    plain, _ = final_states(operator, gates, padded)
    reference, runtime = final_states(operator, gates, padded, **attributes)
    print(f"{operator} with {attributes} - expected: {runtime[0].round(2)} - seen: {reference[0].round(2)}, as without")
    assert np.allclose(reference, plain) and not np.allclose(reference, runtime, atol=0.01)
PYTHON
