#!/usr/bin/env bash
# torchvision 0.29.1: resizing a 16-bit image with BICUBIC makes black pixels white and white pixels black, at edges.
#
# Bicubic interpolation overshoots at edges: values below 0 and above the maximum arise. resize() of tensors cuts them off for uint8 and
# for no other type, so those of uint16 and int16 wrap around: a white area gets black dots along its border. BILINEAR, which does not
# overshoot, is right, and so is BICUBIC of the same image as uint8 or as float32 that is cut off at 0 and 1. Both 16-bit types
# are supported by to_dtype(), and decode_image() returns uint16 for 16-bit PNG. Near to it: torchvision issue
# 8216, open: BICUBIC of floats leaves the range of 0 to 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchvision==0.29.1 torch==2.14.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import torch
import torchvision
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

print("torchvision", torchvision.__version__.split("+")[0])
mask = torch.zeros(1, 64, 64)
mask[:, 20:44, 20:44] = 1  # a white square on black
for interpolation in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
    expected = functional.resize(mask, [100, 100], interpolation=interpolation).clamp(0, 1)
    for dtype in (torch.uint8, torch.uint16, torch.int16):
        image = (mask * torch.iinfo(dtype).max).to(dtype)
        seen = functional.resize(image, [100, 100], interpolation=interpolation).double() / torch.iinfo(dtype).max
        difference = (seen - expected).abs()
        wrong = int((difference > 0.5).sum())
        print(f"{interpolation.name} of {dtype} - expected: the square of float32 - seen: {wrong} pixels that differ by more", end=" ")
        print(f"than half of white, values of {float(seen.min()):.2f} to {float(seen.max()):.2f}")
        if interpolation == InterpolationMode.BICUBIC and dtype != torch.uint8:
            assert wrong > 100
        else:
            assert wrong == 0 and float(difference.max()) < 0.1
PYTHON
