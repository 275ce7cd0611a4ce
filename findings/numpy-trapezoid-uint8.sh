#!/usr/bin/env bash
# NumPy 2.4.6: the area under two uint8 pixels of 200, one apart, is 72 by trapezoid(), and that of int16 sound is negative.
#
# trapezoid() adds up neighbours in their own type before it halves them: 200 + 200 is 144. The result is a float64, so nothing shows that
# it was computed modulo 256, and there is no warning. trapezoid() and cumulative_trapezoid() of scipy.integrate do the same; mean(), cov()
# and gradient() of the same pixels are right. The documentation asks for "array_like". Issue 24919 (closed) describes it for int32.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
from scipy import integrate

print("NumPy", np.__version__)
functions = {
    "numpy.trapezoid": np.trapezoid,
    "scipy.integrate.trapezoid": integrate.trapezoid,
    "scipy.integrate.cumulative_trapezoid": lambda values: integrate.cumulative_trapezoid(values)[-1],
}
for dtype, values in ((np.uint8, [200, 200]), (np.int16, [20_000, 30_000]), (np.uint8, [100, 120])):
    for name, function in functions.items():
        expected, seen = function(np.array(values, float)), function(np.array(values, dtype))
        print(f"{name} of {values} in {np.dtype(dtype)} - expected: {expected} - seen: {seen}")
        assert isinstance(seen, np.float64) and expected == sum(values) / 2
        assert (seen == expected) == (sum(values) <= np.iinfo(dtype).max)
assert np.trapezoid(np.array([200, 200], np.uint8)) == 72 and np.trapezoid(np.array([20_000, 30_000], np.int16)) < 0
PYTHON
