#!/usr/bin/env bash
# SciPy 1.17.1: mstats.ttest_rel counts the pairs whose second value is masked, so a paired test finds a difference that is none.
#
# Differences are taken of the pairs in which both values are there, but their number is that of the first sample's values. The statistic is
# too large by the square root of the ratio, and has too many degrees of freedom. If half of the second model's scores are masked, a test
# at 5 % finds 19 % of pairs of equal models different; with the same scores masked in the first sample, 6 %. So the p value changes if the
# samples change places. stats.ttest_rel with nan_policy="omit" is right, and the notes of this one refer to it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy import stats

print("SciPy", scipy.__version__)
random = np.random.default_rng(0)
first, second = random.normal(0.9, 0.1, (2, 20, 2000))
missing = np.zeros(first.shape, bool)
missing[10:] = True
gaps = np.ma.array(second, mask=missing)
expected = stats.ttest_rel(first, np.where(missing, np.nan, second), nan_policy="omit")
assert np.allclose(expected.pvalue, stats.ttest_rel(first[:10], second[:10]).pvalue)
seen, swapped = stats.mstats.ttest_rel(first, gaps), stats.mstats.ttest_rel(gaps, first)
print(f"statistic - expected: {expected.statistic[0]:.3f} - seen: {seen.statistic[0]:.3f}, of samples that changed places: "
      f"{swapped.statistic[0]:.3f}")
print(f"p value - expected: {expected.pvalue[0]:.3f} - seen: {seen.pvalue[0]:.3f}, of samples that changed places: {swapped.pvalue[0]:.3f}")
assert np.allclose(seen.statistic, expected.statistic * 2**0.5) and np.allclose(swapped.pvalue, expected.pvalue)
shares = [np.mean(result.pvalue < 0.05) for result in (expected, seen)]
print(f"equal models that differ at 5 % - expected: {shares[0]:.1%} - seen: {shares[1]:.1%}")
assert shares[0] < 0.06 and shares[1] > 0.12
PYTHON
