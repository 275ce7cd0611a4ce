#!/usr/bin/env bash
# hdbscan 0.8.44: HDBSCAN(alpha=...) clusters as with alpha=1, unless the algorithm is generic or one of Prim's.
#
# alpha divides distances before they are compared with core distances, "as used in robust single linkage". The functions for Boruvka's
# algorithms take it, but do not pass it on. The default, "best", is one of them for points of up to 60 features: of the same points it
# finds 5 clusters instead of 3. scikit-learn's HDBSCAN and the other algorithms agree. RobustSingleLinkage does pass its alpha on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet hdbscan==0.8.44 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from hdbscan import HDBSCAN
from sklearn.cluster import HDBSCAN as ScikitLearnHDBSCAN
from sklearn.datasets import make_blobs

print("hdbscan", version("hdbscan"))
points, _ = make_blobs(300, centers=5, random_state=3)
algorithms = ["best", "boruvka_kdtree", "boruvka_balltree", "prims_kdtree", "prims_balltree", "generic"]
for alpha in (1.0, 4.0):
    reference = ScikitLearnHDBSCAN(min_cluster_size=10, min_samples=11, alpha=alpha, copy=True).fit(points)  # it counts the point itself
    expected = reference.labels_.max() + 1, np.sum(reference.labels_ < 0)
    for algorithm in algorithms:
        labels = HDBSCAN(min_cluster_size=10, alpha=alpha, algorithm=algorithm).fit_predict(points)
        seen = labels.max() + 1, np.sum(labels < 0)
        print(f"alpha {alpha}, {algorithm} - expected: {expected[0]} clusters, {expected[1]} points of noise", end=" - ")
        print(f"seen: {seen[0]} clusters, {seen[1]} of noise")
        ignored = alpha != 1 and (algorithm == "best" or "boruvka" in algorithm)
        assert expected == ((3, 86) if alpha == 4 else (5, 14)) and seen == ((5, 14) if ignored else expected)
PYTHON
