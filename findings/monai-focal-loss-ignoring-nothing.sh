#!/usr/bin/env bash
# MONAI 1.6.1: the mean of FocalLoss with ignore_index is as many times too large as there are classes, also if nothing is ignored.
#
# By the documentation, the "mean" divides the sum of the losses by their number. With ignore_index, it divides by the number of pixels, or
# of photos, that are not ignored, and each has a loss for each class. So an index that no pixel has triples the loss of three classes; of a
# hundred classes it is a hundredfold, beside other losses or at a learning rate that were tuned without it. The sum, and the Dice and
# Tversky losses, stay the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 torch==2.14.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import monai
import torch
from monai.losses import DiceLoss, FocalLoss, TverskyLoss

print("MONAI", monai.__version__)
for classes, shape in [(3, (8, 8)), (10, (8, 8)), (3, ())]:
    torch.manual_seed(0)
    logits = torch.randn(4, classes, *shape)
    labels = torch.randint(0, classes, (4, 1, *shape))
    for name, loss, factor in [
        ("FocalLoss", FocalLoss, classes),
        ("FocalLoss of a softmax", lambda **arguments: FocalLoss(use_softmax=True, **arguments), classes),
        ("FocalLoss, sum", lambda **arguments: FocalLoss(reduction="sum", **arguments), 1),
        ("DiceLoss", lambda **arguments: DiceLoss(softmax=True, **arguments), 1),
        ("TverskyLoss", lambda **arguments: TverskyLoss(softmax=True, **arguments), 1),
    ]:
        if shape or "sum" not in name and "Focal" in name:
            expected = loss(to_onehot_y=True)(logits, labels).item()
            seen = loss(to_onehot_y=True, ignore_index=255)(logits, labels).item()
            what = "pixels" if shape else "photos"
            print(f"{name}, {classes} classes, {what}, none of index 255 - expected: {expected:.4f} - seen: {seen:.4f}")
            assert abs(seen / expected / factor - 1) < 1e-4
PYTHON
