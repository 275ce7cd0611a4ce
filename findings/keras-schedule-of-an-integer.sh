#!/usr/bin/env bash
# Keras 3.15.1: a schedule that begins at the learning rate 1, not 1.0, computes with integers: training stops after one step.
#
# 1.0 is the learning rate of the original Adadelta, as its documentation says, and 1 is what a settings file may have for it.
# ExponentialDecay casts its decay rate to the type of the first learning rate: 0.96 becomes 0, and so does the learning rate, without
# an error. CosineDecay takes 3 for pi, and so ends above 0. InverseTimeDecay does not decay. PolynomialDecay computes what is
# documented. The documentation calls the first learning rate "A Python float"; an optimizer refuses 1 by an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
from keras.optimizers.schedules import CosineDecay, ExponentialDecay, InverseTimeDecay, PolynomialDecay


def rates(make, first):
    """Return the learning rates of the steps 0, 1, 500 and 1,000 of 1,000 steps."""
    return [round(float(make(first)(step)), 3) for step in (0, 1, 500, 1_000)]


def loss(first):
    """Return the loss after 1,000 steps with Adadelta, of a weight that is 0 and to become 1."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)])
    model.compile(keras.optimizers.Adadelta(ExponentialDecay(first, 1_000, 0.96)), "mse")
    ones = np.ones((100, 1), np.float32)
    model.fit(ones, ones, batch_size=1, epochs=10, verbose=0)
    return round(model.evaluate(ones, ones, verbose=0), 3)


print("Keras", keras.__version__)
for make, seen in [
    (lambda first: ExponentialDecay(first, 1_000, 0.96), [1, 0, 0, 0]),
    (lambda first: CosineDecay(first, 1_000), [1, 1, 0.535, 0.005]),
    (lambda first: InverseTimeDecay(first, 1_000, 0.5), [1, 1, 1, 1]),
]:
    print(type(make(1)).__name__, "- expected of 1, as of 1.0:", rates(make, 1.0), "- seen of 1:", rates(make, 1))
    assert rates(make, 1) == seen != rates(make, 1.0)
assert rates(lambda first: PolynomialDecay(first, 1_000, 0.0), 1) == rates(lambda first: PolynomialDecay(first, 1_000, 0.0), 1.0)
losses = {"1.0": loss(1.0), "1": loss(1)}
print("expected after training, from a loss of 1, as of 1.0:", losses["1.0"], "- seen of 1:", losses["1"])
assert losses["1.0"] < 0.01
assert losses["1"] > 0.99
try:
    keras.optimizers.Adadelta(1)
except ValueError as error:
    print("seen of Adadelta(1):", str(error).splitlines()[0])
else:
    raise AssertionError("Adadelta takes 1")
PYTHON
