#!/usr/bin/env bash
# Quantus 0.6.0: each rule for the number of bins computes it from the number of axes of an attribution instead of its number of pixels.
#
# n is a_batch[0].ndim, 3 for an image of any size. So the square root of n is one bin, and the entropy of any attribution in one bin is 0;
# Sturges' and Rice's rules return two, and the other two some four instead of a hundred. EfficientMPRT computes its entropies with them,
# by default by the rule of Freedman and Diaconis. NumPy has the same five rules.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet quantus==0.6.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from quantus.functions import n_bins_func
from quantus.functions.complexity_func import discrete_entropy

print("Quantus", version("quantus"))
random = np.random.default_rng(0)
for shape in [(1, 1, 16, 16), (1, 1, 224, 224)]:
    attributions = random.normal(size=shape)
    for name, rule in [
        ("freedman_diaconis_rule", "fd"),
        ("scotts_rule", "scott"),
        ("square_root_choice", "sqrt"),
        ("sturges_formula", "sturges"),
        ("rice_rule", "rice"),
    ]:
        seen = getattr(n_bins_func, name)(attributions)
        expected = len(np.histogram_bin_edges(attributions, rule)) - 1
        entropies = [discrete_entropy(a=attributions, x=attributions[0], n_bins=count) for count in (expected, seen)]
        print(f"{shape[2]} pixels squared, {name} - expected: {expected} bins, an entropy of {entropies[0]:.2f}", end=" - ")
        print(f"seen: {seen}, {entropies[1]:.2f}")
        assert seen <= 4 < expected
        assert rule != "sqrt" or seen == 1 and entropies[1] == 0
PYTHON
