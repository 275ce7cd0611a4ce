#!/usr/bin/env bash
# segmentation-models-pytorch 0.6.0: with a threshold for logits, the mask itself is thresholded, so perfect logits have an IoU of 0.25.
#
# get_stats() counts true and false pixels, from which all scores follow. Its threshold is documented as "binarization threshold for
# output", and is applied to the target, too, though that has to be an integer of 0 and 1. Of logits the threshold is 0, as sigmoid(0)
# is 0.5, or lower for a higher recall, and every background pixel of the target is at least 0, so it counts as an object. Above 1,
# such as 1.4 for a higher precision, no pixel of the target does. The same logits compared with the threshold beforehand are right.
# No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet segmentation-models-pytorch==0.6.0 torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import segmentation_models_pytorch
import torch
from segmentation_models_pytorch.metrics import get_stats, iou_score

print("segmentation-models-pytorch", segmentation_models_pytorch.__version__)
target = torch.zeros(2, 1, 8, 8, dtype=torch.long)
target[:, :, :4, :4] = 1  # a quarter is object
logits = torch.where(target == 1, 3.0, -3.0)  # and each pixel of it is found
for name, output, threshold in [
    ("probabilities", logits.sigmoid(), 0.5),
    ("logits", logits, 0.5),
    ("logits", logits, 0.0),
    ("logits", logits, -1.4),  # a probability of 0.2
    ("logits", logits, 1.4),
]:
    stats = [int(count.sum()) for count in get_stats(output, target, mode="binary", threshold=threshold)]
    seen = iou_score(*get_stats(output, target, mode="binary", threshold=threshold), reduction="micro").item()
    before = iou_score(*get_stats((output >= threshold).long(), target, mode="binary"), reduction="micro").item()
    print(f"{name}, threshold {threshold} - expected an IoU of 1, as of the same compared before: {before}", end=" - ")
    print(f"seen: {seen}; {sum(stats[::2])} of 128 pixels of the target are objects, expected: 32")
    assert before == 1
    assert seen == (1 if 0 < threshold <= 1 else 0.25 if threshold <= 0 else 0)
PYTHON
