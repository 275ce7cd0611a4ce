#!/usr/bin/env bash
# netcal 1.4.0: HistogramBinning calibrates a confidence on the edge of a bin by the bin below, which it was not counted in.
#
# fit() counts a confidence of 0.2 in the bin that begins there, as NumPy does; transform() looks it up in the bin that ends there.
# Shares of votes, as of a forest's trees or of nearest neighbours, have only such confidences. With five votes, most of the bins that
# are looked up are empty, and an empty bin stands for its middle, so nothing is calibrated; with ten, many photos get the accuracy of
# less confident ones. With 0.001 added to each confidence, so that none is on an edge, both agree. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet netcal==1.4.0 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from netcal.binning import HistogramBinning
from netcal.metrics import ECE

print("netcal", version("netcal"))
random = np.random.default_rng(0)
for votes in (5, 10):
    confidence = random.integers(0, votes + 1, 20000) / votes
    correct = (random.random(20000) < confidence**2).astype(int)  # overconfident
    beside_edges = np.clip(confidence + 0.001, 0, 1 - 0.001)
    calibrated = HistogramBinning(bins=10).fit(confidence, correct).transform(confidence)
    reference = HistogramBinning(bins=10).fit(beside_edges, correct).transform(beside_edges)
    for value in np.unique(confidence):
        here = confidence == value
        expected, seen, moved = correct[here].mean(), calibrated[here][0], reference[here][0]
        print(f"{votes} votes, confidence {value} - expected: {expected:.3f} - seen: {seen:.3f}, with 0.001 added: {moved:.3f}")
        assert votes == 10 or (abs(seen - expected) > 0.05) == (value in (0.2, 0.4, 0.8))
    errors = {name: ECE(10).measure(scores, correct) for name, scores in (("calibrated", calibrated), ("moved", reference))}
    print(f"{votes} votes - expected a calibration error of", round(errors["moved"], 4), "- seen:", round(errors["calibrated"], 4))
    assert errors["moved"] < 0.001 and errors["calibrated"] > 0.03
PYTHON
