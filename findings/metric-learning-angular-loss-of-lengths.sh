#!/usr/bin/env bash
# pytorch-metric-learning 2.9.0: AngularLoss normalizes anchors and positives, but not negatives, so it changes with the embeddings' length.
#
# Its distance has to be one that normalizes embeddings, which is checked, and normalizes anchors and positives; negatives are multiplied
# by both as they are. Embeddings that are ten times as long have another loss, which a network lowers by making them short: at a length of
# 0.01, negatives no longer count. By the paper (Wang et al., 2017), all are of length 1. Losses that use the distance itself are the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-metric-learning==2.9.0 torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pytorch_metric_learning
import torch
from pytorch_metric_learning.losses import AngularLoss, MarginLoss

print("pytorch-metric-learning", pytorch_metric_learning.__version__)
torch.manual_seed(0)
labels = torch.arange(8).repeat(4)
embeddings = torch.nn.functional.normalize(torch.randn(32, 16))


def angular_loss(embeddings, labels, alpha=40):
    """Return the loss of Wang et al. (2017), equation 8, of embeddings of length 1."""
    square = torch.tan(torch.deg2rad(torch.tensor(alpha))) ** 2
    losses = []
    for anchor, positive in zip(*torch.where(labels[:, None] == labels), strict=True):
        if anchor == positive:
            continue
        pair = embeddings[anchor] + embeddings[positive]
        negatives = embeddings[labels != labels[anchor]]
        values = 4 * square * negatives @ pair - 2 * (1 + square) * embeddings[anchor] @ embeddings[positive]
        losses.append(torch.log1p(values.exp().sum()))
    return torch.stack(losses).mean().item()


expected = angular_loss(embeddings, labels)
for length in [1, 10, 0.01]:
    seen = AngularLoss()(length * embeddings, labels).item()
    margin = MarginLoss()(length * embeddings, labels).item()
    print(f"length {length} - expected: {expected:.3f} - seen: {seen:.3f}, and MarginLoss {margin:.3f}")
    assert (abs(seen - expected) < 1e-4) == (length == 1)
    assert abs(margin - MarginLoss()(embeddings, labels).item()) < 1e-4
PYTHON
