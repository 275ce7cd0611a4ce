#!/usr/bin/env bash
# scikit-learn 1.9.1: QuantileRegressor of unsigned pixels fits another line: an intercept of 80 is 18, and an R squared of 0.99 is -13.
#
# The linear program has each coefficient twice, for its positive and its negative part, with the pixels and the ones of the intercept
# negated. Minus 100 is 156 in uint8, and minus 1 is 255, so the negative parts are others. The solver succeeds, and there is no
# warning. The same pixels as int16 or floats are right, and so is LinearRegression of uint8. The documentation names no type. No issue
# of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, QuantileRegressor

random = np.random.default_rng(0)
pixels = random.integers(0, 256, (400, 2))
target = 80 - 0.2 * pixels[:, 0] + 0.1 * pixels[:, 1] + random.normal(0, 2, 400)

print("scikit-learn", sklearn.__version__)
for dtype in (np.float64, np.int16, np.uint8, np.uint16):
    model = QuantileRegressor(quantile=0.5, alpha=0).fit(pixels.astype(dtype), target)
    score = model.score(pixels, target)
    print(f"{np.dtype(dtype)} - expected: intercept near 80, coefficients near -0.2 and 0.1", end=" - ")
    print(f"seen: {model.intercept_:.1f}, {model.coef_.round(3)}, R squared {score:.2f}")
    right = dtype in (np.float64, np.int16)
    assert np.isclose(model.intercept_, 80, atol=2) == right
    assert score > 0.97 if right else score < 0
    assert LinearRegression().fit(pixels.astype(dtype), target).score(pixels, target) > 0.97
PYTHON
