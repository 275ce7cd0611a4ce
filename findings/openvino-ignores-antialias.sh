#!/usr/bin/env bash
# OpenVINO 2026.4.1: an ONNX model that shrinks photos with antialiasing shrinks them without: a texture keeps five times its contrast.
#
# Resize has the attribute antialias since opset 18, and PyTorch exports it for interpolate(antialias=True). OpenVINO reads the
# model, ignores the attribute and mixes the nearest pixels alone, so the network behind it sees another photo than in training. It
# ignores keep_aspect_ratio_policy, too: a photo that is to fit into a square is stretched to it. Neither is an error or a warning. ONNX
# Runtime does as the standard says. Issue 35893 (open) describes antialias in cubic mode.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino

print("OpenVINO", openvino.__version__)
random = np.random.default_rng(0)
texture = random.random((1, 1, 64, 128), np.float32)
for name, attributes, right in [
    ("plain", {"mode": "linear"}, True),
    ("antialias, linear", {"mode": "linear", "antialias": 1}, False),
    ("antialias, cubic", {"mode": "cubic", "antialias": 1}, False),
    ("keep_aspect_ratio_policy", {"mode": "linear", "keep_aspect_ratio_policy": "not_larger"}, False),
]:
    nodes = [onnx.helper.make_node("Resize", ["photo", "", "", "size"], ["small"], axes=[2, 3], **attributes)]
    inputs = [onnx.helper.make_tensor_value_info("photo", onnx.TensorProto.FLOAT, texture.shape)]
    outputs = [onnx.helper.make_tensor_value_info("small", onnx.TensorProto.FLOAT, None)]
    graph = onnx.helper.make_graph(nodes, "graph", inputs, outputs, [onnx.numpy_helper.from_array(np.array([16, 16]), "size")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9).SerializeToString()
    expected = onnxruntime.InferenceSession(model).run(None, {"photo": texture})[0]
    core = openvino.Core()
    seen = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([texture])[0]
    print(f"{name} - expected, as of ONNX Runtime: {expected.shape}, contrast {expected.std():.3f}", end=" - ")
    print(f"seen: {seen.shape}, contrast {seen.std():.3f}")
    same = expected.shape == seen.shape and np.allclose(expected, seen, atol=1e-3)
    assert same == right
    assert right or expected.shape != seen.shape or seen.std() > 1.5 * expected.std()
PYTHON
