#!/usr/bin/env bash
# NLTK 3.10.4: weighted_kappa(max_distance=16) of two people who nearly agree is below 0, as if they agreed less than by chance.
#
# The weighted kappa is 1 minus the observed disagreement by that expected by chance. Both are divided by the largest distance of two
# labels, so it cancels out. weighted_kappa() and weighted_kappa_pairwise() divide the expected one alone, and call the function for the
# observed one without max_distance. With the default of 1 the result is right, for distances above 1, too; with any other it is not. The
# functions that return a disagreement alone do divide it. Here two people sort 200 photos by quality, 1 to 5, and scikit-learn's kappa
# with quadratic weights agrees with that by hand. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nltk==3.10.4 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import random

import nltk
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import interval_distance
from sklearn.metrics import cohen_kappa_score

print("NLTK", nltk.__version__)
random.seed(0)
first = [random.randint(1, 5) for _ in range(200)]
second = [min(5, max(1, grade + random.choice([0, 0, 0, 1, -1]))) for grade in first]
grades = [("a", *pair) for pair in enumerate(first)] + [("b", *pair) for pair in enumerate(second)]
task = AnnotationTask(grades, interval_distance)
observed = sum((a - b) ** 2 for a, b in zip(first, second)) / 200
expected = sum((a - b) ** 2 for a in first for b in second) / 200**2
kappa = 1 - observed / expected
assert abs(kappa - cohen_kappa_score(first, second, weights="quadratic")) < 1e-9
for largest in (1, 4, 16):
    seen = task.weighted_kappa(max_distance=largest)
    print(f"max_distance={largest} - expected: {kappa:.3f} - seen: {seen:.3f}")
    assert abs(task.Do_Kw(max_distance=largest) - observed / largest) < 1e-9
    assert abs(seen - (1 - observed / (expected / largest))) < 1e-9
PYTHON
