#!/usr/bin/env bash
# imagededup 0.3.3: the NDCG of a search that finds two of each photo's ten duplicates is 1.0.
#
# Normalized discounted cumulative gain divides by the gain of the ideal list, which has all duplicates. Here the ideal list is the one
# that was found, sorted, so what was not found costs nothing: a search that stops after its first hits scores 1.0, and one that finds
# all ten and, first of all, a wrong one scores less. The documentation calls it NDCG, and the change that added it names the usual
# definition. The mean average precision beside it counts what is missing. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imagededup==0.3.3.post2 torch==2.14.1 torchvision==0.29.1 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from imagededup.evaluation import evaluate
from sklearn.metrics import ndcg_score

photos = [f"cat{number}.jpg" for number in range(11)]
truth = {photo: [other for other in photos if other != photo] for photo in photos} | {"dog.jpg": []}
few = {photo: [photos[index - 1], photos[(index + 1) % 11]] for index, photo in enumerate(photos)} | {"dog.jpg": []}
all_and_one = {photo: ["dog.jpg", *truth[photo]] for photo in photos} | {"dog.jpg": photos}
print("imagededup", version("imagededup"))


def reference(found):
    """Return scikit-learn's NDCG of a cat: what was found in its order, all the rest behind it."""
    order = [*found["cat0.jpg"], *sorted(set(truth) - {"cat0.jpg", *found["cat0.jpg"]})]
    relevance = [float(other in truth["cat0.jpg"] and other in found["cat0.jpg"]) for other in order]
    ideal = [1.0] * len(truth["cat0.jpg"]) + [0.0] * (len(order) - len(truth["cat0.jpg"]))
    discount = 1 / np.log2(np.arange(len(order)) + 2)
    everything = [float(other in truth["cat0.jpg"]) for other in order]
    if relevance == everything:
        assert np.isclose(ndcg_score([everything], [-np.arange(len(order))]), relevance @ discount / (ideal @ discount))
    return float(relevance @ discount / (ideal @ discount))


for name, found in (("two of ten duplicates", few), ("all ten", truth), ("a wrong one, then all ten", all_and_one)):
    cats = (float(evaluate(truth, found, "ndcg")["ndcg"]) * 12 - (found["dog.jpg"] == [])) / 11
    precision = float(evaluate(truth, found, "map")["map"])
    print(f"{name} - expected NDCG: {reference(found):.3f} - seen: {cats:.3f} (mean average precision {precision:.3f})")
    assert np.isclose(cats, 1 if found is few else reference(found))
assert reference(few) < 0.4
PYTHON
