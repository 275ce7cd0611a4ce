#!/usr/bin/env bash
# TorchMetrics 1.9.0: the relative average spectral error (RASE) is 64 times too large: of a photo that is 1 % too bright it is 64 %.
#
# RASE is the root of the mean squared error in percent of the mean brightness. The mean of each window, which a filter has computed,
# is divided by the number of its pixels once more, so the result grows with the square of window_size: times 9 at 3, times 64 at 8, the
# default, times 256 at 16. The root mean squared error in sliding windows, of the same library, hardly depends on it. The formula
# came from sewar 0.4.6, which divides so, too. The documentation names the papers and no such factor. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.15.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import torch
import torchmetrics
from torchmetrics.functional.image import relative_average_spectral_error, root_mean_squared_error_using_sliding_window

print("TorchMetrics", torchmetrics.__version__)
photo = 100 + 50 * torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
brighter = photo * 1.01
expected = float(100 * ((brighter - photo) ** 2).mean().sqrt() / photo.mean())
for window in (3, 8, 16):
    seen = float(relative_average_spectral_error(brighter, photo, window_size=window))
    module = torchmetrics.image.RelativeAverageSpectralError(window_size=window)
    sliding = float(root_mean_squared_error_using_sliding_window(brighter, photo, window_size=window) / photo.mean())
    print(f"window_size={window} - expected: {expected:.2f} - seen: {seen:.2f}; by the error in windows: {100 * sliding:.2f}")
    assert 0.9 < seen / (expected * window**2) < 1.1
    assert abs(float(module(brighter, photo)) - seen) < 1e-3 * seen
    assert abs(100 * sliding - expected) < 0.1
PYTHON
