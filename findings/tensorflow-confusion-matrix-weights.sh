#!/usr/bin/env bash
# TensorFlow 2.21.0: tf.math.confusion_matrix() with weights of 0.5 returns zeros.
#
# "Each prediction contributes its corresponding weight", says the documentation. But the weights are cast to the type of the matrix
# before they are added up, and that is int32 unless another one is given: 0.5 counts as 0 and 1.9 as 1, without a warning. With
# dtype=tf.float32 it is right, and so is scikit-learn's sample_weight. No issue of the project was found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf
from sklearn.metrics import confusion_matrix

labels, predictions = [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0]
print("TensorFlow", tf.__version__)
for weight in (0.5, 1.9):
    weights = np.full(6, weight, np.float32)
    expected = confusion_matrix(labels, predictions, sample_weight=weights)
    seen = tf.math.confusion_matrix(labels, predictions, weights=weights).numpy()
    print(f"weights of {weight} - expected: {expected.round(1).tolist()} - seen: {seen.tolist()}")
    assert np.array_equal(seen, np.array([[2, 1], [1, 2]]) * int(weight))
    assert np.allclose(tf.math.confusion_matrix(labels, predictions, weights=weights, dtype=tf.float32), expected)
PYTHON
