#!/usr/bin/env bash
# River 0.26.1: Silhouette is 1.0 for any two clusters, and for five it divides by the distance to the second farthest centre, not closest.
#
# The documentation says "the ratio between cohesion and the average distances from the points to their second-closest centroid". The code
# sorts the distances in ascending order and takes the last but one. Of three centres, that is the second closest; of two, it is the
# closest, so the ratio is 1 however good the clusters are; of more, the metric hardly changes if two centres share one cluster.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet river==0.26.1 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import river
from river import metrics

print("River", river.__version__)
random = np.random.default_rng(0)
for number, right in [(2, False), (3, True), (5, False), (9, False)]:
    centres = random.normal(scale=10, size=(number, 2))
    points = np.repeat(centres, 100, axis=0) + random.normal(size=(100 * number, 2))
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    metric = metrics.Silhouette()
    for point, closest in zip(points.tolist(), distances.argmin(axis=1).tolist(), strict=True):
        metric.update(dict(enumerate(point)), closest, {i: dict(enumerate(centre)) for i, centre in enumerate(centres.tolist())})
    ordered = np.sort(distances, axis=1).sum(axis=0)
    print(f"{number} clusters - expected: {ordered[0] / ordered[1]:.3f} - seen: {metric.get():.3f}")
    assert np.isclose(metric.get(), ordered[0] / ordered[-2])
    assert np.isclose(ordered[1], ordered[-2]) == right
    assert metric.get() == 1 or number > 2
PYTHON
