#!/usr/bin/env bash
# onnx 1.23.2: ReferenceEvaluator counts ignored pixels in the mean of NegativeLogLikelihoodLoss if they are labelled -1, and only then.
#
# Labels equal to ignore_index do not count. Where no weights are given, the evaluator takes an ignore_index of -1 for none, so the losses
# are added up without the ignored pixels, but divided by the number of all: with two thirds ignored, the loss is a third. With the
# same labels as -100, or with weights of one, it is right, as it is in SoftmaxCrossEntropyLoss, ONNX Runtime and PyTorch. Known from pull
# request 8433 (open).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__)
random = np.random.default_rng(0)
logits = random.normal(size=(1, 5, 6)).astype(np.float32)
logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
classes, ignored = random.integers(0, 5, size=(1, 6)), np.array([[0, 1, 1, 0, 1, 1]], bool)
expected = -np.mean([logarithms[0, classes[0, i], i] for i in range(6) if not ignored[0, i]])


def losses(operator, scores, label, weights):
    """Return the loss by ONNX Runtime and by the reference, where ignored pixels have a label."""
    feed = {"scores": scores, "labels": np.where(ignored, label, classes)}
    feed |= {"weights": np.ones(5, np.float32)} if weights else {}
    node = helper.make_node(operator, list(feed), ["loss"], ignore_index=label)
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feed.items()
    ]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("loss", TensorProto.FLOAT, [])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, feed)[0]), float(ReferenceEvaluator(model).run(None, feed)[0])


for operator, scores in [("NegativeLogLikelihoodLoss", logarithms), ("SoftmaxCrossEntropyLoss", logits)]:
    for label in (-1, -100):
        for weights in (False, True):
            runtime, seen = losses(operator, scores, label, weights)
            print(f"{operator}, ignoring {label}, {'weights of 1' if weights else 'no weights'}", end=" - ")
            print(f"expected: {expected:.3f} - seen: {seen:.3f}")
            assert abs(runtime - expected) < 1e-5
            wrong = operator == "NegativeLogLikelihoodLoss" and label == -1 and not weights
            assert abs(seen - (expected / 3 if wrong else expected)) < 1e-5
PYTHON
