#!/usr/bin/env bash
# SciPy 1.17.1: mstats.mquantiles(scores, limit=(0.2, 0.8)) masks the scores outside the limits in the caller's array, for all that follows.
#
# It takes the array without a copy and masks these scores in it, so all later results leave them out, too: mean, count and extremes.
# scoreatpercentile does the same. An array that had no mask before stays as it was, and so does any in tmean, trima and others that take
# limits. The documentation says only that "Values of `a` outside this open interval are ignored". No issue of the project describes it.
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
