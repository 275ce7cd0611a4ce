#!/usr/bin/env bash
# NumPy 2.4.6: the median of the int8 pixels -100 and 100 is 128 by quantile(), a number beyond all of int8.
#
# quantile() and percentile() interpolate between two neighbours, and subtract them in their own type: 100 - -100 is -56 in int8. The
# result is a float64, and outside of the range of the values. median() is right, as are wider integers and floats; of int16, neighbours
# more than 32,767 apart are concerned. There is a warning, of an overflow, for a single quantile of all values, and none for several or
# along an axis. Pull request 30376 (open) describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np

print("NumPy", np.__version__)
for dtype, values in [
    (np.int8, [-100, 100]),
    (np.int8, [-128, -128, 127, 127]),  # a quantized mask, half black and half white
    (np.int16, [-30_000, 30_000]),
    (np.int16, [-100, 100]),
    (np.uint8, [0, 255]),
]:
    image = np.array(values, dtype)
    expected, seen = np.quantile(image.astype(float), [0.25, 0.5, 0.75]), np.quantile(image, [0.25, 0.5, 0.75])
    print(f"quartiles of {values} in {image.dtype} - expected: {expected} - seen: {seen} - the median by median(): {np.median(image)}")
    assert np.median(image) == expected[1] and np.array_equal(np.nanpercentile(image, [25, 50, 75]), seen)
    assert np.array_equal(seen, expected) == (values[-1] - values[0] <= np.iinfo(dtype).max)
    assert (values[0] <= seen[1] <= values[-1]) == np.array_equal(seen, expected)
frames = np.random.default_rng(0).integers(-128, 128, (3, 100, 100), np.int8)
wrong = np.count_nonzero(np.percentile(frames, 90, axis=0) != np.percentile(frames.astype(float), 90, axis=0))
print(f"the 90th percentile of three frames at each of 10,000 pixels - expected: 0 are wrong - seen: {wrong}")
assert wrong > 1000
PYTHON
