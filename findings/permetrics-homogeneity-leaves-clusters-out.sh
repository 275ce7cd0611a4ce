#!/usr/bin/env bash
# PerMetrics 2.1.0: the homogeneity of thirty clusters that know nothing of three classes is 0.9: it is that of three clusters alone.
#
# The entropy of the classes within each cluster is added up over the labels of the classes instead of those of the clusters, so clusters
# beyond the number of classes are left out, as if each were pure. The completeness of more classes than clusters errs alike, and the
# V-measure with both. The documentation calls homogeneity how far "each cluster contains only data points that belong to a single class".
# Mutual information, from the same labels, is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet permetrics==2.1.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import permetrics
from permetrics import ClusteringMetric
from sklearn.metrics import homogeneity_completeness_v_measure, normalized_mutual_info_score

print("PerMetrics", permetrics.__version__)
random = np.random.default_rng(0)
classes = random.integers(0, 3, 300)
for clusters, error in [(3, 0.0), (6, 0.4), (30, 0.7)]:
    labels = random.integers(0, clusters, 300)
    metric = ClusteringMetric(y_true=classes, y_pred=labels)
    expected = homogeneity_completeness_v_measure(classes, labels)
    seen = metric.homogeneity_score(), metric.completeness_score(), metric.v_measure_score()
    print(f"{clusters} clusters: homogeneity, completeness, V-measure - expected: {np.round(expected, 3)} - seen: {np.round(seen, 3)}")
    assert np.allclose(seen, expected) if error == 0 else seen[0] - expected[0] > error and seen[2] > expected[2] + 0.01
    swapped = ClusteringMetric(y_true=labels, y_pred=classes)
    assert np.isclose(swapped.completeness_score(), seen[0])
    assert np.isclose(metric.normalized_mutual_info_score(), normalized_mutual_info_score(classes, labels))
PYTHON
