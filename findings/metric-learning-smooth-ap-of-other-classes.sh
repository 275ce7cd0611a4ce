#!/usr/bin/env bash
# pytorch-metric-learning 2.9.0: SmoothAPLoss takes photos of other classes for positives unless there are as many classes as photos of each.
#
# It divides a batch into groups of one class each, but by the number of photos of a class instead of the number of classes: 8 classes of
# 4 photos are divided into 4 groups of 8. So perfect embeddings have a loss of 0.33 instead of 0, and its gradient pulls every two
# classes together. A comment in its code asks for equally many photos of each class, and says that "the number of
# classes is not important".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-metric-learning==2.9.0 torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pytorch_metric_learning
import torch
from pytorch_metric_learning.losses import SmoothAPLoss

print("pytorch-metric-learning", pytorch_metric_learning.__version__)


def smooth_ap_loss(embeddings, labels, temperature=0.01):
    """Return the loss as the paper defines it (Brown et al., 2020, equation 6), photo by photo."""
    similarities = embeddings @ embeddings.T
    losses = []
    for query, similarity in enumerate(similarities):
        precisions = []
        positives = labels == labels[query]
        for positive in positives.nonzero().flatten():
            ahead = torch.sigmoid((similarity - similarity[positive]) / temperature)
            ahead[positive] = 0
            precisions.append((1 + ahead[positives].sum()) / (1 + ahead.sum()))
        losses.append(1 - torch.stack(precisions).mean())
    return torch.stack(losses).mean().item()


torch.manual_seed(0)
for classes, photos in [(4, 4), (8, 8), (2, 4), (4, 2), (8, 4)]:
    labels = torch.arange(classes).repeat_interleave(photos)
    for name, embeddings in [("perfect", torch.eye(classes)[labels]), ("random", torch.randn(len(labels), 16))]:
        embeddings = torch.nn.functional.normalize(embeddings + 0.01 * torch.randn(embeddings.shape))
        expected = smooth_ap_loss(embeddings, labels)
        seen = SmoothAPLoss()(embeddings, labels).item()
        print(f"{classes} classes of {photos} photos, {name} embeddings - expected: {expected:.3f} - seen: {seen:.3f}")
        assert (abs(seen - expected) < 1e-5) == (classes == photos)
        assert name != "perfect" or classes == photos or expected < 1e-5 and seen > 0.05
PYTHON
