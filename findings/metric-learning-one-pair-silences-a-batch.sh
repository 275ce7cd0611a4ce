#!/usr/bin/env bash
# pytorch-metric-learning 2.9.0: with one pair of near-duplicates of different classes in a batch, DistanceWeightedMiner finds no triplets
# for any other photo.
#
# A negative is drawn by a weight that grows with how rare its distance is, as exp(370) for a distance of 0.5 in 512 dimensions. Against
# overflow it divides all weights by the largest one of the batch, instead of that of each photo, so those of all other photos become zero
# in float32, and they are left out without a word. In 128 dimensions none is. By the paper (Wu et al., 2017), negatives are drawn for each
# photo from all distances alike.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-metric-learning==2.9.0 torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pytorch_metric_learning
import torch
from pytorch_metric_learning.miners import DistanceWeightedMiner

print("pytorch-metric-learning", pytorch_metric_learning.__version__)
labels = torch.arange(8).repeat_interleave(4)
for dimensions in [128, 512, 2048]:
    for dtype in [torch.float32, torch.float64]:
        torch.manual_seed(0)
        embeddings = torch.randn(32, dimensions, dtype=dtype) + 0.7 * torch.randn(dimensions, dtype=dtype)
        without = DistanceWeightedMiner()(embeddings, labels)[0].unique().tolist()
        embeddings[4] = embeddings[0] + 0.001
        seen = DistanceWeightedMiner()(embeddings, labels)[0].unique().tolist()
        print(f"{dimensions} dimensions, {dtype} - expected: triplets of {len(without)} photos - seen: of {len(seen)}")
        assert without == list(range(32))
        lost = dimensions == 2048 or dimensions == 512 and dtype == torch.float32
        assert seen == ([0, 4] if lost else list(range(32)))
PYTHON
