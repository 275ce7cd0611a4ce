#!/usr/bin/env bash
# small-text 1.4.1: greedy_coreset() picks three photos of one kind instead of one of each, unless the unlabelled ones are the first rows.
#
# Its documentation takes indices "for the unlabeled data", and returns "indices relative to x". The position of each choice among the
# unlabelled photos is returned as if it were a row of x, and used as one, too: the distance to what was just chosen is that to another
# photo, so the next choice is beside the last one. Where the unlabelled photos are the rows 0, 1, ..., both are the same, as within
# GreedyCoreset.query() without embeddings of one's own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet small-text==1.4.1 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from small_text import greedy_coreset

print("small-text", version("small-text"))
random = np.random.default_rng(0)
animals = np.repeat(["cat", "cat", "dog", "emu", "fox"], 20)
centres = {"cat": (0, 0), "dog": (10, 0), "emu": (0, 10), "fox": (10, 10)}
features = np.array([centres[animal] for animal in animals]) + random.normal(scale=0.1, size=(100, 2))
labelled, unlabelled = np.arange(20), np.arange(20, 100)  # twenty cats are labelled

order = np.concatenate([unlabelled, labelled])
first = order[greedy_coreset(features[order], np.arange(80), np.arange(80, 100), 3, distance_metric="euclidean")]
chosen = greedy_coreset(features, unlabelled, labelled, 3, distance_metric="euclidean")
print(f"unlabelled photos first - expected: dog, emu and fox - seen: {animals[first].tolist()}")
print(f"labelled photos first - expected: dog, emu and fox - seen: {animals[chosen].tolist()}")
assert sorted(animals[first]) == ["dog", "emu", "fox"] and len(set(animals[chosen])) == 1
print(f"the same as positions among the unlabelled photos - seen: {animals[unlabelled[chosen]].tolist()}")
assert len(set(animals[unlabelled[chosen]])) == 1
PYTHON
