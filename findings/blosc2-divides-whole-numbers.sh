#!/usr/bin/env bash
# blosc2 4.14.1: the quotient of two arrays of integers is cut off to a whole number, in an array of floats.
#
# NumPy's / of integers is the true quotient, and the documentation of divide refers to NumPy's. Here 100 / 200 is 0.0, in float64 or
# float32, whichever the result is to have. So a contrast of (a - b) / (a + b) is 0, and a share of pixels, too. The division is that
# of C, done before the conversion to floats. A division by a number, such as a / 255, is right, and so is one of floats.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet blosc2==4.14.1 numexpr==2.14.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import blosc2
import numpy as np

print("blosc2", blosc2.__version__)
random = np.random.default_rng(0)
for dtype in (np.uint8, np.uint16, np.int32, np.int64):
    first, second = (random.integers(1, 100, (100, 100)).astype(dtype) for _ in range(2))
    a, b = blosc2.asarray(first), blosc2.asarray(second)
    expected = first / second
    for name, seen in {"a / b": (a / b)[:], "divide": blosc2.divide(a, b)[:], "lazyexpr": blosc2.lazyexpr("a / b")[:]}.items():
        print(f"{name} of {dtype.__name__} - expected: {expected[0, :3].round(2)} - seen: {seen[0, :3]} ({seen.dtype})")
        assert seen.dtype.kind == "f" and np.array_equal(seen, first // second) and abs(seen - expected).mean() > 0.2
    mean = float((a / b).mean())
    print(f"mean of a / b - expected: {expected.mean():.2f} - seen: {mean:.2f}")
    assert mean < 0.9 * expected.mean()
    assert np.allclose((a / 255)[:], first / 255)
    assert np.allclose((blosc2.asarray(first.astype(np.float32)) / b)[:], expected)
PYTHON
