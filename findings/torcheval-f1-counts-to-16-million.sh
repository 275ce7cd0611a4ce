#!/usr/bin/env bash
# TorchEval 0.0.7: the F1 score of more than 16,777,216 pixels of a class is wrong, 0.75 instead of 0.67 for 20 million.
#
# It counts pixels by adding 1 for each in float32, which stays at 2**24; so does MulticlassF1Score, within an update. Precision and
# recall of the same pixels are counted in whole numbers, so the score is not their harmonic mean. Masks of 20 photos of a megapixel, mostly
# background, are enough.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torcheval==0.0.7 torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from torcheval.metrics import MulticlassF1Score
from torcheval.metrics.functional import multiclass_f1_score, multiclass_precision, multiclass_recall

print("TorchEval", version("torcheval"))
for pixels in [16_000_000, 20_000_000]:
    masks = torch.zeros(pixels, dtype=torch.int64)
    masks[:1000] = 1
    predicted = masks.clone()
    predicted[pixels // 2 :] = 1  # half of the background is taken for an object
    right = (predicted[masks == 0] == 0).sum().item()
    expected = 2 * right / ((masks == 0).sum().item() + (predicted == 0).sum().item())
    seen = multiclass_f1_score(predicted, masks, num_classes=2, average=None)[0].item()
    metric = MulticlassF1Score(num_classes=2, average=None)
    metric.update(predicted, masks)
    precision, recall = (
        score(predicted, masks, num_classes=2, average=None)[0].item() for score in (multiclass_precision, multiclass_recall)
    )
    print(f"{pixels} pixels - expected: an F1 of {expected:.3f}", end=" - ")
    print(f"seen: {seen:.3f}, of a precision of {precision:.3f} and a recall of {recall:.3f}")
    assert metric.compute()[0] == seen and abs(2 * precision * recall / (precision + recall) - expected) < 1e-5
    assert (abs(seen - expected) < 1e-5) == (pixels < 2**24)
PYTHON
