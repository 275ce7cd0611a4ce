#!/usr/bin/env bash
# KerasTuner 1.4.8: the objective "val_f1_score" is minimized, so the best hyperparameters are those of the worst model.
#
# For an objective given by name, the tuner decides itself whether more is better: yes for the names in a list (accuracies, precision,
# recall, AUC and a few more), no for every other metric or loss of Keras. So F1, R2, the cosine similarity and the correlations are
# minimized, under the very names that Keras gives its own metrics. A name that is not Keras's raises an error that asks for the
# direction. keras_tuner.Objective("val_f1_score", direction="max") is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras-tuner==1.4.8 keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 tensorboard==2.21.0 2>/dev/null
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import keras
import keras_tuner
import numpy as np

random = np.random.default_rng(0)
labels = random.integers(0, 3, 300)
features = (np.eye(3)[labels] + random.normal(0, 0.3, (300, 3))).astype("float32")
targets = np.eye(3, dtype="float32")[labels]


def build(hyperparameters):
    """Return a classifier that learns nothing at a rate of 0."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    rate = hyperparameters.Choice("learning_rate", [0.0, 0.1])
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy", metric()])
    return model


print("KerasTuner", keras_tuner.__version__, "Keras", keras.__version__)
for name, metric, seen in (
    ("accuracy", keras.metrics.Recall, "max"),
    ("recall", keras.metrics.Recall, "max"),
    ("f1_score", lambda: keras.metrics.F1Score(average="macro"), "min"),
):
    keras.utils.set_random_seed(0)
    tuner = keras_tuner.GridSearch(build, f"val_{name}", directory=name)
    tuner.search(features, targets, validation_data=(features, targets), epochs=5, verbose=0)
    scores = {t.hyperparameters.get("learning_rate"): round(float(t.score), 3) for t in tuner.oracle.trials.values()}
    best = tuner.get_best_hyperparameters()[0].get("learning_rate")
    print(f"val_{name} by learning rate: {scores} - expected as the best: 0.1 - seen: {best}")
    assert scores[0.1] > scores[0.0]
    assert tuner.oracle.objective.direction == seen and best == (0.1 if seen == "max" else 0.0)
PYTHON
