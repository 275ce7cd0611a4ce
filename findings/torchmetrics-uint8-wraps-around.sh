#!/usr/bin/env bash
# TorchMetrics 1.9.0: errors of uint8 images are computed in uint8: a mean squared error of 11,250 is 107, and contradicts the PSNR.
#
# Differences and squares wrap around at 256, without a warning, in the mean squared, absolute, and symmetric percentage error (which
# is at most 2, and here a million), the Minkowski distance, and the total variation. The pairwise Euclidean distance computes in
# float64, but is cast to uint8 before its root: of photos that differ by 128 in 12 pixels it is 0. The documentation names no type,
# and SSIM refuses uint8. The PSNR of the same images is right since issue 2787, of 2024; no issue describes the others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.14.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import torch
import torchmetrics
from torchmetrics.functional import (
    mean_absolute_error,
    mean_squared_error,
    minkowski_distance,
    pairwise_euclidean_distance,
    symmetric_mean_absolute_percentage_error,
)
from torchmetrics.functional.image import peak_signal_noise_ratio, total_variation

photos = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32)).astype(np.uint8))
print("TorchMetrics", torchmetrics.__version__)
metrics = {
    "mean squared error": mean_squared_error,
    "mean absolute error": mean_absolute_error,
    "symmetric percentage error": symmetric_mean_absolute_percentage_error,
    "Minkowski distance": lambda first, second: minkowski_distance(first, second, 2),
    "total variation": lambda first, _: total_variation(first[None]),
    "PSNR": lambda first, second: peak_signal_noise_ratio(first, second, data_range=255.0),
}
for name, metric in metrics.items():
    expected, seen = (float(metric(*photos.to(dtype))) for dtype in (torch.float32, torch.uint8))
    print(f"{name} - expected, as of float32: {expected:.4g} - seen: {seen:.4g}")
    assert np.isclose(expected, seen) == (name == "PSNR")

greys = torch.tensor([[100] * 12, [110] * 12, [228] * 12], dtype=torch.uint8)  # the first is near to the second, and far from the third
expected, seen = (pairwise_euclidean_distance(greys[:1].to(dtype), greys[1:].to(dtype))[0] for dtype in (torch.float32, torch.uint8))
print("distances of grey 100 to 110 and 228 - expected:", expected.round().tolist(), "- seen:", seen.tolist())
assert expected.argmin() == 0 and seen.argmin() == 1
PYTHON
