#!/usr/bin/env bash
# ONNX Runtime 1.32.0, LiteRT 2.3.0: an input in big-endian byte order is taken for little-endian, so the model sees other numbers.
#
# NumPy keeps the byte order of a file in the type of the array, so >f4 is a float32, and both libraries check the type: a float64
# is refused. The bytes are then taken as they lie: 1.0 becomes 4.6e-41, and the model answers without a warning. Arrays of FITS
# files, of ImageJ's TIFFs and of network protocols are big-endian. OpenVINO and TensorFlow compute the right numbers; PyTorch refuses
# such an array. XGBoost fixed the same in 2026 (xgboost issue 12433).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 tensorflow==2.21.0 ai-edge-litert==2.3.0 numpy==2.4.6 2>/dev/null
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from onnx import TensorProto, helper

ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
session = onnxruntime.InferenceSession(model.SerializeToString())


class Double(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([3])])
    def __call__(self, x):
        return x + x


double = Double()
interpreter = Interpreter(model_content=tf.lite.TFLiteConverter.from_concrete_functions([double.__call__.get_concrete_function()], double).convert())
interpreter.allocate_tensors()


def litert(array):
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], array)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


photo = np.array([1, 2, 3], ">f4")
for name, run in (
    (f"ONNX Runtime {version('onnxruntime')}", lambda array: session.run(None, {"x": array})[0]),
    (f"LiteRT {version('ai-edge-litert')}", litert),
    (f"TensorFlow {version('tensorflow')}", lambda array: double(array).numpy()),
):
    seen = run(photo)
    print(name, "- expected:", 2 * photo.astype("f4"), "- seen:", seen)
    assert np.array_equal(run(photo.astype("f4")), [2, 4, 6])
    assert np.array_equal(seen, [2, 4, 6]) if name.startswith("TensorFlow") else np.all(seen < 1e-30)
    try:
        run(photo.astype("f8"))
    except Exception:
        print("  float64: refused")
    else:
        assert name.startswith("TensorFlow")
PYTHON
