#!/usr/bin/env bash
# DVCLive 3.49.1: Keras's metric retrieval_precision is logged as retrieeval/precision, and not as one of training.
#
# The callback logs Keras's val_loss as eval/loss and its loss as train/loss. It looks for "val_" anywhere in the name and replaces each
# one, so of a metric whose name has a word that ends in "val", such as retrieval_precision, removal_rate or interval_score, the value in
# training gets no "train/", and its name is broken in two by letters that nobody wrote. Plots of train/ against eval/ lack the metric.
# The documentation says "{split}/{metric}", with the name provided by the framework. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvclive==3.49.1 tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 DVCLIVE_LOGLEVEL=ERROR "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import importlib.metadata
import json
import pathlib

import keras
import numpy as np
from dvclive.keras import DVCLiveCallback

print("DVCLive", importlib.metadata.version("dvclive"))
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy", metrics=[keras.metrics.Precision(name=f"{name}_precision") for name in ("search", "retrieval")])
photos, labels = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8) % 2
callback = DVCLiveCallback(dir="live", save_dvc_exp=False, monitor_system=False)
history = model.fit(photos, labels, validation_data=(photos, labels), callbacks=[callback], verbose=0).history
metrics = json.loads(pathlib.Path("live/metrics.json").read_text())
del metrics["step"]
seen = {name: sorted(values) for name, values in metrics.items()}
print("metrics of Keras:", sorted(history))
print("expected:", {split: ["loss", "retrieval_precision", "search_precision"] for split in ("eval", "train")})
print("seen:", {name: [*values, metrics[name]["retrieeval"]] if "retrieeval" in values else values for name, values in sorted(seen.items())})
assert seen == {"train": ["loss", "search_precision"], "eval": ["loss", "retrieeval", "search_precision"], "retrieeval": ["precision"]}
assert set(metrics["eval"]["retrieeval"]) == {"precision"}
PYTHON
