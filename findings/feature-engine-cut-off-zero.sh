#!/usr/bin/env bash
# feature-engine 1.9.4: DropHighPSIFeatures(cut_off=0) does not cut at 0, but at the median, so it compares other photos.
#
# The population stability index compares a feature in two groups, here of photos taken before and after a change, by days since then. The
# cut-off is asked for its truth instead of compared with None, and 0 is false, so the groups are the halves of the data, as without a
# cut-off. A feature that did change is kept, as most photos are from after the change, in both halves. With a cut-off of 0.001, which
# makes the same groups, it is dropped. The documentation says: "If `cut_off` is not None, this parameter will be used to split the data".
# The attribute cut_off_ has the value that was used.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet feature-engine==1.9.4 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import feature_engine
import numpy as np
import pandas as pd
from feature_engine.selection import DropHighPSIFeatures

print("feature-engine", feature_engine.__version__)
random = np.random.default_rng(0)
days = np.concatenate([random.integers(-30, 1, 100), random.integers(1, 200, 1900)])
photos = pd.DataFrame({"day": days, "brightness": random.normal(size=2000) + 2 * (days > 0), "contrast": random.normal(size=2000)})
seen = {}
for cut_off in (None, 0, 0.001, -1):
    selector = DropHighPSIFeatures(split_col="day", cut_off=cut_off).fit(photos)
    seen[cut_off] = float(selector.cut_off_), selector.features_to_drop_
    print(f"cut_off={cut_off} - cuts at {selector.cut_off_} - PSI {selector.psi_values_['brightness']:.2f} - drops {selector.features_to_drop_}")
print(f"cut_off=0 - expected: {(0.0, seen[0.001][1])} - seen: {seen[0]}")
assert seen[0.001] == (0.001, ["brightness"]) and seen[-1] == (-1.0, ["brightness"])
assert seen[0] == seen[None] == (float(np.median(days)), [])
PYTHON
