#!/usr/bin/env bash
# torchvision 0.29.2: RandomErasing(value="random") paints a uint8 photo nearly black, with some white pixels, instead of random ones.
#
# "random" is documented as "erasing each pixel with random values". They are drawn around 0 with a standard deviation of 1, as for a
# normalized image, and cast: all between -1 and 1 become 0, positive ones up to 4 and negative ones 255 and less. The transforms of
# version 2 are made for uint8, and name no type here. A fixed value of 0.5 becomes 0, too. The first version does the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchvision==0.29.2 torch==2.15.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import torchvision
from torchvision import transforms
from torchvision.transforms import v2

print("torchvision", torchvision.__version__)
torch.manual_seed(0)
photo = torch.full((3, 64, 64), 100, dtype=torch.uint8)
for name, transform in [("v2", v2.RandomErasing), ("first version", transforms.RandomErasing)]:
    erased = transform(p=1, scale=(0.3, 0.3), value="random")(photo)
    erased = erased[erased != 100].float()
    black, white = (erased <= 4).float().mean(), (erased >= 251).float().mean()
    print(f"{name} - expected: values of 0 to 255, with a mean of about 127", end=" - ")
    print(f"seen: {black:.0%} of 0 to 4, {white:.0%} of 251 to 255, a median of {erased.median():.0f}")
    assert 0.8 < black < 0.88 and black + white == 1 and erased.median() == 0
    half = transform(p=1, scale=(0.3, 0.3), value=(0.5, 0.5, 0.5))(photo)
    print(f"{name}, value=0.5 - seen: {half[half != 100].unique().tolist()}")
    assert half[half != 100].unique().tolist() == [0]
PYTHON
