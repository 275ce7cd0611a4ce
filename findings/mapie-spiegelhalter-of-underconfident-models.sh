#!/usr/bin/env bash
# MAPIE 1.6.0: Spiegelhalter's test has p = 1.0 for an underconfident model, whose statistic is 20 standard deviations below zero.
#
# The p value is the probability of a larger statistic, so only overconfident models, whose statistic is positive, get a small one. For
# underconfident ones it is near 1. The documentation of the statistic says "The closer to zero, the better the scores are calibrated",
# and that of the p value names the "null hypothesis of perfect calibration". The tests of Kolmogorov-Smirnov and Kuiper, beside it, find
# both kinds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mapie==1.6.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from mapie.metrics.calibration import kolmogorov_smirnov_p_value, kuiper_p_value, spiegelhalter_p_value, spiegelhalter_statistic
from scipy.stats import norm

print("MAPIE", version("mapie"))
random = np.random.default_rng(0)
score = random.random(5000)  # that a photo is blurred
for name, share in [("calibrated", score), ("overconfident", 0.25 + 0.5 * score), ("underconfident", np.clip(1.6 * score - 0.3, 0, 1))]:
    blurred = (random.random(5000) < share).astype(int)
    statistic = ((blurred - score) * (1 - 2 * score)).sum() / np.sqrt(((1 - 2 * score) ** 2 * score * (1 - score)).sum())
    assert np.isclose(statistic, spiegelhalter_statistic(blurred, score))
    expected, seen = 2 * norm.sf(abs(statistic)), spiegelhalter_p_value(blurred, score)
    others = kolmogorov_smirnov_p_value(blurred, score), kuiper_p_value(blurred, score)
    print(f"{name}, statistic {statistic:.1f} - expected: p = {expected:.3f} - seen: p = {seen:.3f}", end="")
    print(f" - Kolmogorov-Smirnov: {others[0]:.3f}, Kuiper: {others[1]:.3f}")
    assert (expected < 0.001) == (others[0] < 0.001) == (others[1] < 0.001) == (name != "calibrated")
    assert (seen < 0.001) == (name == "overconfident")
    assert name != "underconfident" or seen > 0.999
PYTHON
