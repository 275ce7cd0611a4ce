#!/usr/bin/env bash
# Optax 0.2.8: triplet_margin_loss(norm_degree=1) adds up differences with their signs, so the distance of 0 and 3 is 3 or -3.
#
# It adds up powers of the differences instead of their absolute values, which are the same only for even degrees. With 1, differences of
# other signs cancel out, and a positive far from its anchor has no loss if its numbers are larger; with 3, most losses are NaN. The
# docstring says "The norm degree for distance calculation", without a limit; PyTorch's loss of the same arguments is right. No issue of the
# project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optax==0.2.8 jax==0.10.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import optax

print("Optax", optax.__version__)


def triplet_loss(anchors, positives, negatives, degree):
    """Return the loss with a margin of 1."""
    near, far = (np.linalg.norm(anchors - others, ord=degree, axis=1) for others in (positives, negatives))
    return np.maximum(near - far + 1, 0)


zeros, threes = np.zeros((1, 2), np.float32), np.full((1, 2), 3, np.float32)
drawn = np.random.default_rng(0).normal(size=(3, 1000, 8)).astype(np.float32)
for name, triplets in [("a far positive, the anchor as negative", (zeros, threes, zeros)), ("random", drawn)]:
    for degree in (1, 2, 3, 4):
        expected = triplet_loss(*triplets, degree)
        seen = np.asarray(optax.losses.triplet_margin_loss(*triplets, norm_degree=degree))
        missing = np.isnan(seen).mean()
        print(f"{name}, norm_degree={degree} - expected: {expected.mean():.2f}", end=" - ")
        print(f"seen: {np.nanmean(seen):.2f}" + (f", {missing:.0%} NaN" if missing else ""))
        assert np.allclose(seen, expected, atol=0.05) == (degree % 2 == 0)
        if name != "random" and degree == 1:
            assert seen == 0 and expected == 7
PYTHON
