#!/usr/bin/env bash
# TorchMetrics 1.9.0: the universal image quality of a photo compared with itself is -2e10, if half of it is white.
#
# The index is 1 for equal photos and at least -1 for any. Where a photo is even, as in a white background, a black border or a clear sky,
# its variance is zero, and the covariance a rounding error of float32, which is divided by eps, 1.2e-7. Of 0 to 1 it is too
# small to show, but eps is as large as the variance of a dark photo times its brightness, so that the index of the same photo is 0.49
# there, though it does not depend on the scale. Wang's and Bovik's own program, which the paper comes with, takes 1 for an even region.
# Issue 2221 (closed) describes values that were NaN; its fix brought these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.15.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import torch
import torchmetrics
from torchmetrics.functional.image import universal_image_quality_index

print("TorchMetrics", torchmetrics.__version__)
textured = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
half_white = textured.clone()
half_white[..., 32:] = 1
dark = 0.02 + 0.02 * textured
for name, photo, low, high in [
    ("a textured photo", textured, 0.999, 1.001),
    ("a textured photo of 0 to 255", textured * 255, 0.999, 1.001),
    ("half white, of 0 to 1", half_white, -1, 0.7),
    ("half white, of 0 to 255", half_white * 255, float("-inf"), -1e9),
    ("even, of 0 to 1", torch.full_like(textured, 0.5), -0.1, 0.1),
    ("dark, of 0 to 1", dark, 0.4, 0.6),
    ("dark, of 0 to 255", dark * 255, 0.999, 1.001),
]:
    seen = universal_image_quality_index(photo, photo).item()
    print(f"{name}, compared with itself - expected: 1 - seen: {seen:.4g}")
    assert low <= seen <= high
PYTHON
