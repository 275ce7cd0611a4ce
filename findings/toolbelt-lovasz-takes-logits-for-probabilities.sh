#!/usr/bin/env bash
# pytorch-toolbelt 0.8.0: LovaszLoss takes logits for probabilities, so the surer a model is of the right classes, the larger its loss is.
#
# Its forward(logits, target) passes the logits to a function that asks for "class probabilities at each prediction (between 0 and 1)",
# without a softmax in between, as its other losses have. So logits of exactly 0 and 1 have a loss of 0, and right ones of -10 and 10 one
# of 9.75, where that of Berman et al. (2018) is 0. BinaryLovaszLoss is for logits, and right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-toolbelt==0.8.0 torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import torch
from pytorch_toolbelt.losses import BinaryLovaszLoss, LovaszLoss

print("pytorch-toolbelt", version("pytorch-toolbelt"))


def lovasz_softmax(probabilities, labels):
    """Return the loss as the paper defines it: the mean over classes of errors weighted by what each adds to the Jaccard loss."""
    losses = []
    for index in range(probabilities.shape[1]):
        truth = labels == index
        errors = np.abs(truth - probabilities[:, index])
        loss = before = 0
        for count, pixel in enumerate(order := np.argsort(-errors)):
            wrong = order[: count + 1]
            missed, invented = truth[wrong].sum(), (~truth[wrong]).sum()
            jaccard_loss = 1 - (truth.sum() - missed) / (truth.sum() + invented)
            loss += errors[pixel] * (jaccard_loss - before)
            before = jaccard_loss
        losses.append(loss)
    return np.mean(losses)


torch.manual_seed(0)
masks = torch.arange(4).repeat(32).reshape(2, 8, 8)
columns = torch.nn.functional.one_hot(masks).permute(0, 3, 1, 2).float()
for name, logits in [
    ("0 and 1, right", columns),
    ("-2 and 2, right", 4 * columns - 2),
    ("-10 and 10, right", 20 * columns - 10),
    ("random", torch.randn(2, 4, 8, 8)),
]:
    seen = LovaszLoss()(logits, masks).item()
    of_probabilities = LovaszLoss()(logits.softmax(1), masks).item()
    expected = lovasz_softmax(logits.softmax(1).movedim(1, -1).reshape(-1, 4).double().numpy(), masks.flatten().numpy())
    binary = BinaryLovaszLoss()(logits[:, 0].contiguous(), (masks == 0).long()).item()
    print(f"logits of {name} - expected: {expected:.3f} - seen: {seen:.3f}, and {of_probabilities:.3f} of probabilities")
    assert abs(of_probabilities - expected) < 1e-5 < abs(seen - expected)
    if name == "-10 and 10, right":
        assert abs(seen - 9.75) < 0.01 and expected < 1e-3 and binary == 0
PYTHON
