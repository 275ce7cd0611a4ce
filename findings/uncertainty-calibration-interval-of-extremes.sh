#!/usr/bin/env bash
# uncertainty-calibration 0.1.4: the 90 % interval of a calibration error is as wide as the range of all 100 resamples.
#
# alpha=0.1, the default, is handed on to a function that takes a percentage, 10.0 by default, so the ends are the percentiles 0.05 and
# 99.95 instead of 5 and 95, and 0.5 in its place changes hardly anything. With alpha=10 the interval is right. The documentation says
# "1-alpha confidence intervals produced by bootstrap resampling". A related issue, 13 (open), is on this bootstrap.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uncertainty-calibration==0.1.4 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import calibration
import numpy as np

print("uncertainty-calibration", version("uncertainty-calibration"))
random = np.random.default_rng(0)
score = random.random(400)  # that a photo is blurred
blurred = (random.random(400) < 0.25 + 0.5 * score).astype(int)


def width(alpha):
    np.random.seed(0)
    low, _, high = calibration.get_calibration_error_uncertainties(score, blurred, p=1, alpha=alpha)
    return float(high - low)


np.random.seed(0)
resamples = [np.random.choice(list(range(400)), size=400, replace=True) for _ in range(100)]
errors = [calibration.get_calibration_error(score[photos], blurred[photos], p=1, debias=False) for photos in resamples]
for alpha in (0.05, 0.1, 0.5):
    expected = np.percentile(errors, 100 - 50 * alpha) - np.percentile(errors, 50 * alpha)
    seen = width(alpha)
    print(f"alpha={alpha} - expected width: {expected:.4f} - seen: {seen:.4f}; all resamples: {max(errors) - min(errors):.4f}")
    assert seen > 0.97 * (max(errors) - min(errors)) and seen > 1.2 * expected
assert np.isclose(width(10), np.percentile(errors, 95) - np.percentile(errors, 5))
PYTHON
