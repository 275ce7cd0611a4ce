#!/usr/bin/env bash
# onnx 1.23.2: convert_version() from opset 10 to 11 shifts what a Resize or an Upsample returns, by a quarter of a pixel if it doubles.
#
# Before opset 11, the place of a pixel in the original is its index divided by the scale, and the nearest is the one below: what opset 11
# calls "asymmetric" and "floor". The converter adds neither, so the defaults of opset 11 hold, which count from the centers of pixels.
# The linear mode is shifted at any scale, the nearest one at some: doubled it is the same. ONNX Runtime computes both as their opsets
# say, and with the two attributes added the converted model is as before. Known from issue 8480 (open).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, version_converter

print("onnx", onnx.__version__)
row = np.arange(1, 7, dtype=np.float32)


def output(model):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": row.reshape(1, 1, 1, 6)})[0].ravel()


for operator, opset in [("Resize", 10), ("Upsample", 9)]:
    for mode, scale, right in [
        ("linear", 2, False),
        ("linear", 1.5, False),
        ("nearest", 2, True),
        ("nearest", 1.7, False),
    ]:
        x, y = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 1, 1, width))
            for name, width in [("x", 6), ("y", int(6 * scale))]
        )
        scales = numpy_helper.from_array(np.array([1, 1, 1, scale], np.float32), "scales")
        graph = helper.make_graph([helper.make_node(operator, ["x", "scales"], ["y"], mode=mode)], "g", [x], [y], [scales])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
        before = output(model)
        places = np.arange(int(6 * scale)) / scale  # in the original, as of opset 10
        expected = np.interp(places, np.arange(6), row) if mode == "linear" else row[places.astype(int)]
        assert np.allclose(before, expected, atol=1e-5)

        converted = version_converter.convert_version(model, 11)
        seen = output(converted)
        print(f"{operator}, {mode}, by {scale} - expected: {before[:5].round(2)} - seen: {seen[:5].round(2)}")
        assert np.allclose(seen, before, atol=1e-5) == right

        (resize,) = (node for node in converted.graph.node if node.op_type == "Resize")
        for name, value in [("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")]:
            resize.attribute.append(helper.make_attribute(name, value))
        assert np.allclose(output(converted), before, atol=1e-5)
PYTHON
