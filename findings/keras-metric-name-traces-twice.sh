#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21: with a metric given by name, fit traces its first training step twice.
#
# compile(metrics=["accuracy"]) leaves the metric's variables to the first step. They are made while tf.function traces
# it, so TensorFlow traces it once more. With a metric object the variables exist before, and one trace is enough. On a
# small CNN that is 1.6 CPU seconds of 10, on MobileNetV2's last blocks 3 of 16.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np


class Traced(keras.Sequential):
    def train_step(self, data):
        self.traces = getattr(self, "traces", 0) + 1
        return super().train_step(data)


def traces(metric):
    model = Traced([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=[metric])
    model.optimizer.build(model.trainable_variables)
    model.fit(np.zeros((8, 3), "float32"), np.zeros(8, int), batch_size=8, verbose=0)
    return model.traces


by_name = traces("accuracy")
as_object = traces(keras.metrics.SparseCategoricalAccuracy(name="accuracy"))
print("Keras", keras.__version__)
print("expected: the same number of traces, one")
print(f"traces of the training step: {by_name} with metrics=['accuracy'], {as_object} with an object")
assert (by_name, as_object) == (2, 1)
PYTHON
