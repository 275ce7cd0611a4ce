#!/usr/bin/env bash
# Faiss 1.15.1: IndexFlatL2 finds other neighbours, often wrong ones, if many vectors are searched at once.
#
# It is the exact search, and computes differences, but from 128,000 numbers in the queries of a call on, it computes the distance of a and
# b as |a|^2 + |b|^2 - 2ab in float32. Where vectors are far from zero, compared with their distances, these terms cancel out: of positions
# in meters, as UTM coordinates are, most nearest places are wrong. scikit-learn converts float32 to float64 for that formula. The limit is
# faiss.cvar.distance_compute_blas_threshold; no docstring of the index names it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import faiss
import numpy as np
from sklearn.neighbors import NearestNeighbors

print("Faiss", faiss.__version__)
random = np.random.default_rng(0)
corner = np.array([500_000, 5_400_000])
places = (corner + random.uniform(0, 10_000, (500, 2))).astype(np.float32)
photos = (corner + random.uniform(0, 10_000, (70_000, 2))).astype(np.float32)
nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(places).kneighbors(photos, return_distance=False)[:, 0]
distances = np.linalg.norm(photos.astype(float) - places[nearest], axis=1)
index = faiss.IndexFlatL2(2)
index.add(places)
for count, right in [(1_000, True), (60_000, True), (70_000, False)]:
    squares, found = index.search(photos[:count], 1)
    equal = (found[:, 0] == nearest[:count]).mean()
    meters = np.linalg.norm(photos[:count].astype(float) - places[found[:, 0]], axis=1).mean()
    print(f"{count} photos at once - expected: their nearest places, {distances[:count].mean():.0f} m away", end=" - ")
    print(f"seen: {equal:.1%} of them, {meters:.0f} m away, by its own distances {np.sqrt(squares).mean():.0f} m")
    assert equal == 1 if right else equal < 0.1 and meters > 3 * distances.mean()
PYTHON
