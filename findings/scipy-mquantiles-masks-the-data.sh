#!/usr/bin/env bash
# SciPy 1.17.1: mstats.mquantiles(scores, limit=(0.2, 0.8)) masks the scores outside the limits in the caller's array, for all that follows.
#
# It takes the array without a copy and assigns the mask to it, if the array had a mask before, so all later results leave these scores out,
# too: mean, count and extremes. scoreatpercentile does the same. Of an array without a mask, and in tmean, trima and others that take
# limits, the caller's array stays. The documentation says "Values outside this open interval are ignored", of the quantiles alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from scipy.stats import mstats

print("SciPy", version("scipy"))
functions = {
    "mquantiles": lambda scores: mstats.mquantiles(scores, limit=(0.2, 0.8)),
    "scoreatpercentile": lambda scores: mstats.scoreatpercentile(scores, 50, limit=(0.2, 0.8)),
    "tmean": lambda scores: mstats.tmean(scores, (0.2, 0.8)),
    "trima": lambda scores: mstats.trima(scores, (0.2, 0.8)),
}
values = np.random.default_rng(0).beta(2, 1, 1000)
for name, function in functions.items():
    for missing in (0, 1):
        scores = np.ma.array(values)
        if missing:
            scores[0] = np.ma.masked
        before = scores.count(), scores.mean()
        function(scores)
        after = scores.count(), scores.mean()
        print(f"{name} with {missing} of 1000 scores missing - expected after it: {before[0]} scores, mean {before[1]:.2f}", end=" - ")
        print(f"seen: {after[0]} scores, mean {after[1]:.2f}")
        assert (after != before) == (missing == 1 and name in ("mquantiles", "scoreatpercentile"))
PYTHON
