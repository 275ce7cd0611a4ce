#!/usr/bin/env bash
# Quantus 0.6.0: EfficientMPRT has 10 bins by each rule for their number, as these count the axes of an attribution instead of its pixels.
#
# n is a_batch[0].ndim, 3 for an image of any size. So the square root of n is one bin, the rules of Sturges and Rice return two, and the
# other two some four. The metric raises all of these to its minimum of 10, and computes its entropies with them. Without a rule, it has 100
# bins. NumPy has the same five rules. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet quantus==0.6.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from quantus import EfficientMPRT
from quantus.functions.complexity_func import discrete_entropy

print("Quantus", version("quantus"))
random = np.random.default_rng(0)
for size in [64, 224]:
    attributions = random.normal(size=(1, 1, size, size))
    for name, rule in [
        ("Freedman Diaconis", "fd"),
        ("Scotts", "scott"),
        ("Square Root", "sqrt"),
        ("Sturges Formula", "sturges"),
        ("Rice", "rice"),
    ]:
        metric = EfficientMPRT(complexity_func_kwargs={"rule": name}, disable_warnings=True)
        metric.find_n_bins(attributions, debug=False)
        seen = metric.complexity_func_kwargs["n_bins"]
        expected = min(len(np.histogram_bin_edges(attributions, rule)) - 1, 200)
        entropies = [discrete_entropy(a=attributions, x=attributions[0], n_bins=count) for count in (expected, seen)]
        print(f"{size} x {size} pixels, {name} - expected: {expected} bins, an entropy of {entropies[0]:.2f}", end=" - ")
        print(f"seen: {seen}, {entropies[1]:.2f}")
        assert seen == 10 < expected
PYTHON
