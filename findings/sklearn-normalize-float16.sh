#!/usr/bin/env bash
# scikit-learn 1.9.1: normalize() turns rows of float16 whose norm exceeds 255 into zeros.
#
# float16 is one of the types that normalize() keeps, but it squares the values in that type, of which the largest is 65,504:
# the norm is infinite, and the row divided by it is zero. So features that are stored as float16, as is common of networks'
# features, lose all that they hold, without a warning. StandardScaler computes with float64 and is right. Near to it:
# scikit-learn issue 21559 (closed in 2021: another fault of float16 in the same sum), numpy issue 8775 (open: linalg.norm).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import sklearn
from sklearn.preprocessing import StandardScaler, normalize

print("scikit-learn", sklearn.__version__)
features = np.random.default_rng(0).uniform(0, 20, (4, 1280))
print("expected: rows of length 1")
lengths = {
    name: np.linalg.norm(normalize(features.astype(name)).astype(np.float64), axis=1).round(3).tolist()
    for name in ("float32", "float16")
}
print("seen of float32:", lengths["float32"])
print("seen of float16:", lengths["float16"])
assert lengths["float32"] == [1.0] * 4
assert lengths["float16"] == [0.0] * 4
scaled = StandardScaler().fit_transform(features.astype(np.float16))
assert abs(scaled.astype(np.float64).std() - 1) < 0.01
PYTHON
