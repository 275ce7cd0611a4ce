#!/usr/bin/env bash
# Keras 3.15.1: a model that gives all classes the same score has a top-1 accuracy of 1.0, and a quantized one a top-5 accuracy of 0.999.
#
# TopKCategoricalAccuracy and SparseTopKCategoricalAccuracy count a photo as right if the score of its class is not below the k-th
# highest, so each class of a tie is in the top k. Ties are the rule where scores have few values: in the 8 bits of a quantized model most
# probabilities are 0, sigmoids saturate at 1, and a ReLU, or a model that learns nothing, gives zeros. CategoricalAccuracy of the same
# scores and scikit-learn's top_k_accuracy_score take k classes and no more. Keras's documentation does not mention ties; TensorFlow's
# does, of in_top_k. TensorFlow issue 13005 describes it there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
from scipy.special import softmax
from sklearn.metrics import top_k_accuracy_score

print("Keras", keras.__version__)
random = np.random.default_rng(0)
labels = np.arange(1000) % 10
logits = random.normal(0, 20, (1000, 10))
logits[np.arange(1000), labels] += 8
quantized = np.round(softmax(logits, axis=1) * 255) / 255  # as an output of 8 bits
for name, scores, k, right in [
    ("logits", logits, 1, True),
    ("logits", logits, 5, True),
    ("zeros", np.zeros((1000, 10)), 1, False),
    ("probabilities in 8 bits", quantized, 5, False),
    ("logits after a ReLU", np.maximum(logits - 40, 0), 3, False),
]:
    scores = scores.astype(np.float32)
    expected = top_k_accuracy_score(labels, scores, k=k)
    seen = float(keras.metrics.SparseTopKCategoricalAccuracy(k)(labels, scores))
    one_hot = float(keras.metrics.TopKCategoricalAccuracy(k)(np.eye(10)[labels], scores))
    print(f"{name}, top {k} - expected, as of scikit-learn: {expected:.3f} - seen: {seen:.3f}")
    assert abs(seen - one_hot) < 1e-6
    assert abs(seen - expected) < 1e-6 if right else seen > max(0.99, expected + 0.3)
assert abs(float(keras.metrics.SparseCategoricalAccuracy()(labels, np.zeros((1000, 10)))) - 0.1) < 1e-6
PYTHON
