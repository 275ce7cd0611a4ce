#!/usr/bin/env bash
# albumentations 2.0.8: ThinPlateSpline moves its control points five times as far as they were drawn to, and in other directions.
#
# A thin plate spline passes through its control points. Here the weights are fitted to a kernel of r^4 log r, but the pixels are moved by
# one of r^2 log r, as compute_pairwise_distances() returns squares and only the second function counts on that. SciPy's spline passes
# through the points. The default scale_range of 0.2 to 0.4 draws displacements of 2 to 4 % of the image. Fixed in AlbumentationsX 2.5.1,
# which has another license; 2.0.8 is the last release of albumentations.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet albumentations==2.0.8 opencv-python-headless==5.0.0.93 scipy==1.17.1 numpy==2.4.6 2>/dev/null
NO_ALBUMENTATIONS_UPDATE=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import albumentations
import cv2
import numpy as np
from albumentations.augmentations.geometric import functional
from scipy.interpolate import RBFInterpolator

print("albumentations", albumentations.__version__)
places = np.linspace(0, 1, 4, dtype=np.float32)
points = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
drawn = np.random.default_rng(0).normal(0, 0.03, points.shape).astype(np.float32)
expected = RBFInterpolator(points, points + drawn, kernel="thin_plate_spline")(points) - points
seen = functional.tps_transform(points, points, *functional.compute_tps_weights(points, points + drawn)) - points
correlation = np.corrcoef(seen.ravel(), drawn.ravel())[0, 1]
print(f"control points are off by - expected: {np.abs(expected - drawn).max():.3f} - seen: {np.abs(seen - drawn).max():.3f}", end=" ")
print(f"(drawn: up to {np.abs(drawn).max():.3f}; correlation {correlation:.2f})")
assert np.allclose(expected, drawn, atol=1e-5) and np.abs(seen - drawn).max() > 0.15 and correlation < 0.5

size = 300
horizontal = np.tile(np.arange(size, dtype=np.float32) / size, (size, 1))
image = np.stack([horizontal, horizontal.T, horizontal], -1)  # a pixel's colors are its coordinates, so they say where it came from
moves = []
for seed in range(20):
    transform = albumentations.ThinPlateSpline(scale_range=(0.3, 0.3), num_control_points=4, border_mode=cv2.BORDER_REPLICATE, p=1)
    moved = albumentations.Compose([transform], seed=seed)(image=image)["image"]
    inner = np.ix_([100, 200], [100, 200])  # the four control points that are not on the edge
    moves.append((moved - image)[inner][..., :2])
seen = np.std(moves)
print(f"standard deviation of the moves of inner control points - expected: 0.03 - seen: {seen:.3f}")
assert 0.12 < seen < 0.2
PYTHON
