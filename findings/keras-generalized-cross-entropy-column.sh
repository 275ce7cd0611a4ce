#!/usr/bin/env bash
# Keras 3.15.1: CategoricalGeneralizedCrossEntropy compares each prediction with the labels of the whole batch if labels are a column.
#
# By its documentation, integer labels may be shaped (batch,) or (batch, 1). Of a column it makes one-hot labels shaped
# (batch, 1, classes), which NumPy's rules multiply with predictions shaped (batch, classes) to (batch, batch, classes). So the
# loss of four right predictions is that of labels drawn at random, and training with it makes all predictions alike.
# SparseCategoricalCrossentropy gives both shapes the same loss.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np

labels = np.array([0, 1, 2, 1])
probabilities = np.eye(3, dtype=np.float32)[labels] * 0.9 + 0.1 / 3  # 0.93 for each photo's own label
column = labels[:, None]


def confidence(shape):
    """Return the mean probability of the right label after training on 300 points in three clusters, labelled by cluster."""
    keras.utils.set_random_seed(0)
    clusters = np.random.default_rng(0).permutation(np.arange(300) % 3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.05), keras.losses.CategoricalGeneralizedCrossEntropy(q=0.5))
    points = np.eye(3, dtype=np.float32)[clusters]
    model.fit(points, clusters.reshape(shape), epochs=20, verbose=0)
    return float(model.predict(points, verbose=0)[np.arange(300), clusters].mean())


print("Keras", keras.__version__)
usual = keras.losses.SparseCategoricalCrossentropy()
usual_losses = float(usual(labels, probabilities)), float(usual(column, probabilities))
print("expected: the same loss of (4,) and of (4, 1), as of SparseCategoricalCrossentropy:", *(round(x, 3) for x in usual_losses))
loss = keras.losses.CategoricalGeneralizedCrossEntropy(q=0.5)
losses = float(loss(labels, probabilities)), float(loss(column, probabilities))
print("seen:", *(round(x, 3) for x in losses))
unreduced = keras.losses.categorical_generalized_cross_entropy(column, probabilities, q=0.5)
print("expected: a loss for each of four photos - seen: losses shaped", tuple(unreduced.shape))
trained = confidence((-1,)), confidence((-1, 1))
print("expected: the same probability of the right label after training with either - seen:", *(round(x, 2) for x in trained))
assert abs(usual_losses[0] - usual_losses[1]) < 1e-6
assert losses[0] < 0.1 < 0.9 < losses[1]
assert tuple(unreduced.shape) == (4, 4)
assert trained[0] > 0.9 and trained[1] < 0.7
PYTHON
