#!/usr/bin/env bash
# torchvision 0.29.1: to_dtype() of a float16 or bfloat16 image to uint8 makes its white pixels black.
#
# It multiplies by 255.999 and cuts the fraction off. In half precision the product of white is 256, which wraps around to 0. The
# older convert_image_dtype() does the same; to_pil_image(), which multiplies by 255, is right, and so are float32 and float64. Half
# precision is what a model under autocast returns. Known since 2022 (torchvision issue 6799, open), but not documented.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchvision==0.29.1 torch==2.14.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import torch
import torchvision
from torchvision.transforms.v2 import functional

print("torchvision", torchvision.__version__.split("+")[0])
greys = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    image = (greys.double() / 255).to(dtype)
    nearest = (image.double() * 255).round().to(torch.uint8)
    seen = functional.to_dtype(image, torch.uint8, scale=True)
    wrong = int(((seen.int() - nearest.int()).abs() > 1).sum())
    print(dtype, "- expected of white: 255 - seen:", int(seen[0, 15, 15]), "- greys of 256 that are off by more than 1:", wrong)
    assert (int(seen[0, 15, 15]) == 255) == (dtype == torch.float32)
    assert (wrong == 0) == (dtype == torch.float32)
    assert torch.equal(seen, torchvision.transforms.functional.convert_image_dtype(image, torch.uint8))
PYTHON
