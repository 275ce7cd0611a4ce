#!/usr/bin/env bash
# ood-metrics 1.1.2: the detection error is 0.03 where 97 of 100 photos are taken for the wrong kind: the shares of both kinds are exchanged.
#
# The documentation says "the misclassification probability when TPR is 95%". That is the share of known photos times their rate of misses,
# and the share of unknown ones times the false positive rate. The code multiplies the misses by the share of the unknown photos, and the
# false positives by that of the known ones. With as many of each, as in the paper that it follows, the sum is the same. In the example of
# the documentation itself, one photo of five is misclassified, and the result is said to be 0.05.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ood-metrics==1.1.2 scikit-learn==1.5.2 scipy==1.13.1 matplotlib==3.10.9 numpy==1.26.4 2>/dev/null
MPLBACKEND=agg "$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from ood_metrics import detection_error

print("ood-metrics", version("ood-metrics"))
random = np.random.default_rng(0)
for known, unknown in [(500, 500), (900, 100), (100, 900), (3, 97)]:
    labels = np.repeat([1, 0], [known, unknown])
    scores = np.arange(100.0) if known == 3 else random.normal(size=1000) + 2 * labels  # of 3 and 97, all known ones are below
    accepted = [scores >= threshold for threshold in scores]
    expected = min(np.mean(kept != labels) for kept in accepted if kept[labels == 1].mean() >= 0.95)
    seen = detection_error(scores, labels)
    print(f"{known} known photos and {unknown} unknown ones - expected: {expected:.3f} - seen: {seen:.3f}")
    assert np.isclose(seen, expected) if known == unknown else abs(seen - expected) > 0.05
assert np.isclose(detection_error([0.1, 0.3, 0.6, 0.9, 1.3], [0, 0, 0, 1, 0]), 0.05)  # as documented; only the last is wrong
PYTHON
