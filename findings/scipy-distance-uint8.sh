#!/usr/bin/env bash
# SciPy 1.17.1: the distances of two uint8 photos wrap around: a photo and its copy that is one level brighter are 25,500 apart, not 100.
#
# euclidean(), cityblock(), chebyshev() and minkowski() of scipy.spatial.distance subtract the vectors in their own type: a difference of
# -1 is 255, so d(a, b) is not d(b, a), and a photo's nearest neighbour is another one. cdist(), pdist() and sqeuclidean() of the same
# photos are right. The documentation asks for "array_like". Issue 9961 (open) describes it for euclidean() and cosine(); issue 10262
# (closed) for distance_matrix(), which is right now.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import scipy
from scipy.spatial import distance

print("SciPy", scipy.__version__)
photo, other = np.random.default_rng(0).integers(0, 255, (2, 10_000), np.uint8)
brighter = photo + np.uint8(1)
for name in ("cityblock", "euclidean", "minkowski", "chebyshev", "sqeuclidean"):
    measure = getattr(distance, name)
    for kind, first, second in (("darker copy", brighter, photo), ("brighter copy", photo, brighter), ("other photo", photo, other)):
        expected, seen = distance.cdist([first], [second], name).item(), float(measure(first, second))
        print(f"{name} to the {kind} - expected, as of cdist: {expected:.6g} - seen: {seen:.6g}")
        assert np.isclose(measure(first.astype(float), second.astype(float)), expected)
        assert np.isclose(seen, expected) == (kind == "darker copy" or name == "sqeuclidean")
assert distance.euclidean(photo, brighter) == 25_500 and distance.euclidean(brighter, photo) == 100
PYTHON
