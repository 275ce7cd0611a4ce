#!/usr/bin/env bash
# agate 1.14.2: the median absolute deviation of an odd number of values is always 0; that of an even number is too small.
#
# MAD takes the middle one of the deviations without sorting them. As the values are sorted, the middle deviation is that of the median from
# itself. With an even number, it is half the distance between the two values in the middle. A column with an outlier thus has no spread
# at all, and every value that is not the median counts as one. The documentation names the usual statistic, with a link to it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet agate==1.14.2 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version
from statistics import median

import agate

print("agate", version("agate"))
for seconds, seen in [([1, 2, 3, 4, 10], 0), ([5, 1, 9, 2, 2, 8, 100], 0), ([10, 20, 30, 40, 50, 60], 5), ([7, 7, 7], 0)]:
    table = agate.Table([[number] for number in seconds], ["seconds"], [agate.Number()])
    value = table.aggregate(agate.MAD("seconds"))
    expected = median(abs(number - median(seconds)) for number in seconds)
    print(f"MAD of {seconds} - expected: {expected:g} - seen: {value}")
    assert value == seen and (value < expected or expected == 0)
    assert table.aggregate(agate.Median("seconds")) == median(seconds)
PYTHON
