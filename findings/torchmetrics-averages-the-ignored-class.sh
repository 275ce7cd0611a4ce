#!/usr/bin/env bash
# TorchMetrics 1.9.0: a macro average counts the class of ignore_index as a class with a score of zero.
#
# ignore_index is documented as a target value that "does not contribute to the metric calculation". Rows of that class are left
# out, but if a row of another class is predicted as it, the average divides by it, too: here, of two classes with a recall
# of 0.9, the macro recall is 0.6. Accuracy, precision, recall and F1 do so; the Jaccard index of the same library leaves the class out.
# Known for the recall (torchmetrics issue 2441, open since 2024).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.14.1 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import torch
import torchmetrics
import torchmetrics.functional.classification as functional
from sklearn import metrics

labels = torch.tensor([0] * 10 + [1] * 10 + [2] * 5)  # cats, dogs, and photos without a label
predictions = torch.tensor([0] * 9 + [2] + [1] * 9 + [2] + [0] * 5)
labelled = labels != 2
print("TorchMetrics", torchmetrics.__version__)
for name in ("accuracy", "recall", "precision", "f1_score", "jaccard_index"):
    score = getattr(functional, f"multiclass_{name}")
    seen = float(score(predictions, labels, num_classes=3, average="macro", ignore_index=2))
    reference = getattr(metrics, {"accuracy": "recall_score", "jaccard_index": "jaccard_score"}.get(name, f"{name.removesuffix('_score')}_score"))
    expected = reference(labels[labelled], predictions[labelled], labels=[0, 1], average="macro")
    print(f"{name} of the two other classes - expected, as of scikit-learn: {expected:.3f} - seen: {seen:.3f}")
    assert abs(seen - (expected if name == "jaccard_index" else expected * 2 / 3)) < 1e-6
PYTHON
