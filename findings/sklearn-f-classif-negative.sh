#!/usr/bin/env bash
# scikit-learn 1.9.1: of pixels, f_classif() computes negative F values, and SelectKBest keeps a feature of noise instead of the right one.
#
# An F value is a ratio of variances, so at least 0. f_classif() takes the difference of two sums of squares, and for anything but
# float64 and int64 it adds these up in float32, which has 24 bits: of 50,000 light pixels the sums are near 2**31, so the
# differences are rounding errors. It says nothing; p values are NaN where F is negative. The same numbers as float64
# or int64 are right, and scipy.stats.f_oneway() is right for uint8, too. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import sklearn
from scipy.stats import f_oneway
from sklearn.feature_selection import SelectKBest, f_classif

random = np.random.default_rng(0)
labels = random.integers(0, 2, 50_000)
pixels = np.rint(random.normal(235, 3, (50_000, 8))).clip(0, 255)
pixels[:, 5] = np.rint(random.normal(235 + 0.1 * labels, 3)).clip(0, 255)  # the only one that depends on the label

print("scikit-learn", sklearn.__version__)
expected = f_oneway(pixels[labels == 0], pixels[labels == 1]).statistic
print("expected, as of scipy.stats.f_oneway:", *expected.round(1).tolist())
for dtype in (np.float64, np.int64, np.uint8, np.int32, np.float32):
    scores, p_values = f_classif(pixels.astype(dtype), labels)
    best = int(SelectKBest(k=1).fit(pixels.astype(dtype), labels).get_support(indices=True)[0])
    print("seen of", dtype.__name__, "-", *scores.round(1).tolist(), "- the best feature, which is 5:", best)
    exact = dtype in (np.float64, np.int64)
    assert np.allclose(scores, expected, atol=0.001) == exact
    assert (scores.min() < -1) == np.isnan(p_values).any() == (not exact)
    assert (best == 5) == exact
assert np.allclose(f_oneway(*(pixels.astype(np.uint8)[labels == label] for label in (0, 1))).statistic, expected, atol=0.001)
PYTHON
