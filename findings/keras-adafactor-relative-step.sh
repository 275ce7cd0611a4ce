#!/usr/bin/env bash
# Keras 3.15.1: relative_step=False of Adafactor changes nothing: the learning rate still falls with the steps.
#
# By its documentation, relative_step=True adjusts a constant learning rate by the current step, to at most 1 / sqrt(step). The same
# minimum is taken once more two lines below, whatever the option says. So neither a constant rate with relative_step=False nor a
# schedule, which by the documentation is not adjusted at all, can exceed 1 / sqrt(step).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np


def steps(learning_rate, relative_step):
    """Return how far a weight of size 1 moves in the steps 1, 4, 100 and 400, as a fraction of its size."""
    optimizer = keras.optimizers.Adafactor(learning_rate, relative_step=relative_step)
    weight = keras.Variable(np.ones((2, 2), np.float32))
    moved = []
    for _ in range(400):
        weight.assign(np.ones((2, 2), np.float32))
        optimizer.apply([keras.ops.ones((2, 2))], [weight])
        moved.append(round(1 - float(weight[0, 0]), 3))
    return [moved[step - 1] for step in (1, 4, 100, 400)]


print("Keras", keras.__version__)
schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1_000], [0.5, 0.1])
relative, constant, scheduled = steps(0.5, True), steps(0.5, False), steps(schedule, False)
print("expected of a learning rate of 0.5 with relative_step=True:", *relative)
print("expected with relative_step=False: 0.5 0.5 0.5 0.5 - seen:", *constant)
print("expected of a schedule that is 0.5 for 1,000 steps: 0.5 0.5 0.5 0.5 - seen:", *scheduled)
assert relative == constant == scheduled == [0.5, 0.5, 0.1, 0.05]
PYTHON
