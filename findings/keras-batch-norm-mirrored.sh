#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21: under MirroredStrategy each device keeps moving statistics of BatchNormalization of its
# own, of which a saved model has those of the first.
#
# The layer creates its moving mean and variance without an aggregation, so that no device learns of the others' photos. A
# model that is trained on two devices gives one input two outputs, by the row at which it stands in a batch, and as saved has
# the statistics of half of the examples. (In Keras 2 the devices' statistics were averaged.) `synchronized=True` fixes it,
# and costs a reduction a layer and step. Near to it: keras issues 19891 and 20601, of Keras 3.3 to 3.7.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(tf.config.list_logical_devices("CPU"))
x = np.array([0.0] * 4 + [1.0] * 4, np.float32)[:, None]  # the first device gets the zeros, the second the ones


def train(**options):
    """Return the moving mean after one step without momentum, of the model as saved, and what it makes of eight zeros."""
    with strategy.scope():
        layer = keras.layers.BatchNormalization(momentum=0.0, **options)
        model = keras.Sequential([keras.Input((1,)), layer])
        model.compile("sgd", "mse")
    model.fit(x, np.zeros(8), batch_size=8, shuffle=False, verbose=0)
    model.save("model.keras")
    outputs = model.predict(np.zeros((8, 1), np.float32), batch_size=8, verbose=0)
    moving_mean = keras.models.load_model("model.keras").layers[0].moving_mean
    return float(np.asarray(moving_mean)[0]), len(np.unique(outputs.round(3)))


print("Keras", keras.__version__, "TensorFlow", tf.__version__)
plain, synchronized = train(), train(synchronized=True)
print("expected: a moving mean of 0.5, and one output for one input; with synchronized=True:", *synchronized)
print("seen: a moving mean of", plain[0], "and", plain[1], "outputs")
assert synchronized == (0.5, 1)
assert plain == (0.0, 2)
PYTHON
