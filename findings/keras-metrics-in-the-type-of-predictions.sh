#!/usr/bin/env bash
# Keras 3.15.1: metrics compute in the type of the predictions: the mean absolute error of uint8 images is 123 instead of 15.
#
# Losses convert both sides to float32, and the metrics of the same names do not. Differences of uint8 wrap around, labels of 0.5 and
# 1.5 lose their fractions beside whole predictions, and squares of float16 overflow, so a cosine similarity of 0.99 is 0, also in
# evaluate() under the policy mixed_float16. The dtype of a metric is documented as that of its computations, float32 by default.
# RootMeanSquaredError converts, and is right. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np

random = np.random.default_rng(0)
labels = random.integers(0, 256, (8, 64))
predictions = np.rint(labels + random.normal(0, 20, labels.shape)).clip(0, 255)


def measured(name, true, predicted):
    metric = getattr(keras.metrics, name)()
    metric.update_state(true, predicted)
    return float(metric.result())


print("Keras", keras.__version__)
for name, dtype in (
    ("RootMeanSquaredError", "uint8"),
    ("MeanSquaredError", "uint8"),
    ("MeanAbsoluteError", "uint8"),
    ("CosineSimilarity", "float16"),
    ("PearsonCorrelation", "float16"),
):
    expected = measured(name, labels.astype("float32"), predictions.astype("float32"))
    seen = measured(name, labels.astype(dtype), predictions.astype(dtype))
    print(f"{name} of {dtype} - expected, as of float32: {expected:.2f} - seen: {seen:.2f}")
    assert np.isclose(expected, seen, rtol=0.01) == (name == "RootMeanSquaredError")
    if hasattr(keras.losses, name):
        loss = float(getattr(keras.losses, name)()(labels.astype(dtype), predictions.astype(dtype)))
        print("    the loss of that name:", round(loss, 2))
        assert np.isclose(abs(loss), expected, rtol=0.01)

seen = measured("MeanAbsoluteError", np.array([[0.5, 1.5]]), np.array([[0, 1]]))
print("MeanAbsoluteError of the labels 0.5 and 1.5 and the predictions 0 and 1 - expected: 0.5 - seen:", seen)
assert seen == 0

keras.mixed_precision.set_global_policy("mixed_float16")
model = keras.Sequential([keras.Input((64,)), keras.layers.Rescaling(1.0)])
model.compile(loss=keras.losses.CosineSimilarity(), metrics=[keras.metrics.CosineSimilarity(name="similarity")])
scores = model.evaluate(predictions, labels.astype("float32"), verbose=0, return_dict=True)
print("CosineSimilarity in evaluate() - expected: 0.99, as the loss without its sign - seen:", scores)
assert scores["loss"] < -0.99 and scores["similarity"] == 0
PYTHON
