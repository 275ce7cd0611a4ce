#!/usr/bin/env bash
# DiskCache 5.6.3: a cache returns None for a NaN that was put into it.
#
# A float is stored as SQLite's own float, and SQLite keeps NaN as NULL, which comes back as None; infinity stays what it is. So a
# memoized function whose loss or score is NaN returns a float when it is computed, and None from then on. Deque and Index share it.
# NumPy's NaN is pickled, and comes back right, as does a NaN within a list. The documentation says nothing of NaN. No issue of the
# project describes it; a fork, diskcache-community, has mended it in its 5.8.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diskcache==5.6.3 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import math

import diskcache
import numpy as np

print("DiskCache", diskcache.__version__)
cache = diskcache.Cache("cache")


@cache.memoize()
def loss(learning_rate):
    return math.inf - math.inf if learning_rate > 1 else 0.5


for learning_rate in (0.1, 10.0):
    first, second = loss(learning_rate), loss(learning_rate)
    print(f"loss at {learning_rate} - computed: {first} - expected from the cache: {first} - seen: {second}")
    assert isinstance(first, float) and second == (0.5 if learning_rate < 1 else None)

for value in (math.inf, -math.inf, math.nan):
    cache["value"] = value
    print(f"stored: {value} - seen: {cache['value']}")
    assert cache["value"] is None if math.isnan(value) else cache["value"] == value
    assert "value" in cache

losses = list(diskcache.Deque([0.7, math.nan, 0.6], directory="deque"))
print("a Deque of 0.7, nan, 0.6 - seen:", losses)
assert losses == [0.7, None, 0.6]
cache["list"], cache["NumPy"] = [math.nan], np.float64("nan")
assert math.isnan(cache["list"][0]) and math.isnan(cache["NumPy"])
PYTHON
