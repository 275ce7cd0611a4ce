#!/usr/bin/env bash
# Quantus 0.6.0: translation_x_direction() fills the margin of a shifted image with its baseline in the first channel, and with 0 in others.
#
# It passes one number as the value of the border, which OpenCV takes for that of the first channel. So a white margin is red, and the black
# one of a normalized photo, below 0, has green and blue of 0, as a mean color. Continuity shifts photos by it, by default to a black margin.
# translation_y_direction() passes a number for each channel, and is right. The docstring says "The baseline values to replace arr at
# indices with".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet quantus==0.6.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from quantus.functions.perturb_func import translation_x_direction, translation_y_direction

print("Quantus", version("quantus"))
photo = np.random.default_rng(0).normal(size=(3, 16, 16)).astype(np.float32)
for baseline, value in [(0.0, 0), (1.0, 1), ("black", photo.min())]:
    shifted = translation_x_direction(photo, perturb_baseline=baseline, perturb_dx=4)
    assert np.allclose(shifted[:, :, 4:], photo[:, :, :-4])
    left = shifted[:, :, :4].mean((1, 2))
    top = translation_y_direction(photo, perturb_baseline=float(value), perturb_dy=4)[:, :4].mean((1, 2))
    print(f"baseline {baseline} - expected: red, green and blue of {value:.2f}", end=" - ")
    print(f"seen: {left.round(2).tolist()} at the left, {top.round(2).tolist()} at the top")
    assert np.allclose(left, [value, 0, 0]) and np.allclose(top, value)
PYTHON
