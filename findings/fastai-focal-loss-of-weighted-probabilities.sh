#!/usr/bin/env bash
# fastai 2.8.12: FocalLossFlat with class weights takes the wrong photos for easy ones.
#
# The focal loss multiplies the cross-entropy of a photo by (1 - p) ** gamma, where p is the probability of its class. By the documentation,
# weight is "the class weighting factor in the paper, alpha", which multiplies the result. fastai computes p from the cross-entropy that was
# weighted before: in a class of weight 0.1, a photo to which the model gives 0.01 has a p of 0.63, as if it were easy, and a seventh of its
# loss; in a class of weight 10, one to which it gives 0.9 has a p of 0.35, and 42 times its loss. Without weights it is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fastai==2.8.12 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import fastai
import torch
from fastai.losses import FocalLossFlat

print("fastai", fastai.__version__)
GAMMA = 2.0
for weight, probability, factor in [(1.0, 0.01, 1), (1.0, 0.9, 1), (0.1, 0.01, 0.139), (10.0, 0.9, 42.4)]:
    logits = torch.tensor([[probability, 1 - probability]]).log()
    label = torch.tensor([0])
    loss = FocalLossFlat(gamma=GAMMA, weight=torch.tensor([weight, 1.0]), reduction="sum")
    expected = weight * (1 - probability) ** GAMMA * -torch.log(torch.tensor(probability)).item()
    seen = loss(logits, label).item()
    print(f"weight {weight}, probability of the class {probability} - expected: {expected:.4f} - seen: {seen:.4f}")
    assert abs(seen / expected / factor - 1) < 0.01
PYTHON
