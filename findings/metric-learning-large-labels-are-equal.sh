#!/usr/bin/env bash
# pytorch-metric-learning 2.9.0: AccuracyCalculator takes labels above 2**24 that differ by little for equal, so a precision of 0.09
# is 0.40 with labels from 100,000,000 on.
#
# It converts labels to float32, like embeddings, and float32 has whole numbers up to 16,777,216 only: from 100,000,000 on eight numbers are
# one. Labels of retrieval are often such numbers, as those of products are. Losses and miners compare labels as they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytorch-metric-learning==2.9.0 torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pytorch_metric_learning
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

print("pytorch-metric-learning", pytorch_metric_learning.__version__)
torch.manual_seed(0)
embeddings = torch.nn.functional.normalize(torch.randn(100, 16))
calculator = AccuracyCalculator(
    include=("precision_at_1", "mean_average_precision"), knn_func=CustomKNN(LpDistance()), device=torch.device("cpu")
)
distances = torch.cdist(embeddings, embeddings).fill_diagonal_(torch.inf)
for first in [0, 1_000_000, 20_000_000, 100_000_000, 5_000_000_000]:
    labels = first + torch.arange(10).repeat(10)
    precision = (labels[distances.argmin(1)] == labels).float().mean().item()
    seen = calculator.get_accuracy(embeddings, labels)
    print(f"labels from {first:,} on, precision at 1 - expected: {precision:.2f} - seen: {seen['precision_at_1']:.2f}")
    assert (abs(seen["precision_at_1"] - precision) < 1e-6) == (first < 2**24)
    assert first < 1e9 or seen == {"precision_at_1": 1, "mean_average_precision": 1}
PYTHON
