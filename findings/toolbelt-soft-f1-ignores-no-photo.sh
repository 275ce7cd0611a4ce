#!/usr/bin/env bash
# pytorch-toolbelt 0.8.0: SoftF1Loss(ignore_index=1) is 1 whatever a model predicts, and with another index the ignored photos count.
#
# It makes a column for each class of the labels before it looks for the label to ignore, so it looks among zeros and ones. With 1 it leaves
# out the probabilities of all right classes, with 0 those of all wrong ones, and with other indices nothing. A comment in it says "Filter
# predictions with ignore label from loss computation", as BinarySoftF1Loss does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-toolbelt==0.8.0 torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from pytorch_toolbelt.losses.soft_f1 import SoftF1Loss

print("pytorch-toolbelt", version("pytorch-toolbelt"))
labels = torch.arange(4).repeat_interleave(100)
right = 20 * torch.nn.functional.one_hot(labels).float() - 10


def loss(ignored, mistaken):
    """Return the loss if all photos of the class mistaken are taken for those of the class after it."""
    logits = right.clone()
    logits[labels == mistaken] = right[labels == (mistaken + 1) % 4]
    return SoftF1Loss(ignore_index=ignored)(logits, labels).item()


for ignored, seen_now in [(None, (0, 0.33)), (0, (0, 0.14)), (1, (1, 1)), (2, (0, 0.25)), (3, (0, 0.25))]:
    without = SoftF1Loss(ignore_index=ignored)(right, labels).item()
    seen = loss(ignored, 0 if ignored is None else ignored)
    expected = "one that grows" if ignored is None else "the same loss"
    print(f"ignore_index={ignored}, with mistakes in that class - expected: {expected} - seen: {without:.2f}, {seen:.2f}")
    assert abs(without - seen_now[0]) < 0.01 and abs(seen - seen_now[1]) < 0.01
PYTHON
