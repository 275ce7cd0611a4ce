#!/usr/bin/env bash
# MAPIE 1.6.0: the calibration error of a model that is off by 0.15 is 0.15 for sorted predictions, and 0.01 for shuffled ones.
#
# split_strategy="array split" cuts the confidences into parts as they come, without sorting them, and takes the largest of each part for
# the edge of a bin. The largest of each part of a shuffled list is nearly the largest of all, so nearly all predictions are in the first
# bin, in which too high and too low confidences cancel out. The strategies "uniform", the default, and "quantile" make one bin less than
# asked for, so two are one, and return 0.01 in any order. The documentation says "Number of bins to make the split in the y_score".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mapie==1.6.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from mapie.metrics.calibration import expected_calibration_error

print("MAPIE", version("mapie"))
random = np.random.default_rng(0)
confidence = random.random(5000)  # of the most probable of many classes
correct = (random.random(5000) < 0.5 + 0.4 * (confidence - 0.5)).astype(int)
by_confidence = np.argsort(confidence)
for bins in (2, 10):
    of_each_bin = [abs(correct[part].mean() - confidence[part].mean()) * len(part) for part in np.array_split(by_confidence, bins)]
    expected = sum(of_each_bin) / len(confidence)
    seen = {}
    for strategy in ("array split", "uniform", "quantile"):
        for order, photos in [("shuffled", np.arange(5000)), ("sorted", by_confidence)]:
            error = expected_calibration_error(correct[photos], confidence[photos], num_bins=bins, split_strategy=strategy)
            seen[strategy, order] = round(error, 3)
    print(f"{bins} bins - expected: {expected:.3f} - seen: {seen}")
    assert expected > 0.14
    assert abs(seen["array split", "sorted"] - expected) < 0.001
    assert seen["array split", "shuffled"] < 0.01
    for strategy in ("uniform", "quantile"):
        assert (seen[strategy, "shuffled"] < 0.01) == (bins == 2)
PYTHON
