#!/usr/bin/env bash
# SciPy 1.17.1: a 95 % interval by mstats.trimmed_mean_ci() of scores of which two thirds are missing holds the mean in 68 of 100 runs.
#
# trimmed_stde() replaces the largest values by the largest one that is left, and with them all masked ones, which are sorted behind them.
# Then it divides the standard deviation by the square root of the number of values, the masked ones included. So the interval of 30
# scores is half as wide if 60 are masked beside them. The documentation counts "with respect to the number of unmasked data". Without
# the masked values the interval is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import scipy
from scipy.stats import mstats

print("SciPy", scipy.__version__)
random = np.random.default_rng(0)
EXPERIMENTS = 1000
widths, holds = {}, {}
for _ in range(EXPERIMENTS):
    scores = random.normal(0.8, 0.05, 90)
    with_gaps = np.ma.array(scores, mask=np.arange(90) >= 30)
    for name, values in [("30 scores", with_gaps.compressed()), ("30 scores and 60 gaps", with_gaps)]:
        low, high = mstats.trimmed_mean_ci(values, limits=(0.1, 0.1))
        widths[name] = widths.get(name, 0) + (high - low) / EXPERIMENTS
        holds[name] = holds.get(name, 0) + int(low <= 0.8 <= high)
for name in widths:
    print(f"{name} - expected: the same interval, which holds the mean in about 950 of 1000 experiments", end=" - ")
    print(f"seen: {holds[name]} of 1000, mean width {widths[name]:.4f}")
assert holds["30 scores"] > 930 and holds["30 scores and 60 gaps"] < 750
assert widths["30 scores and 60 gaps"] < 0.55 * widths["30 scores"]
PYTHON
