#!/usr/bin/env bash
# W&B 0.31.0: plot.roc_curve() and plot.pr_curve() draw a perfect class as a random one, if the photos lack a class before it.
#
# The classes are those that occur among the labels, and the curve of the second of them is computed from the second column of the
# probabilities, whatever class that column belongs to. So if no photo shows class 1 of three, as a small validation set or a batch may,
# class 2 is drawn from the probabilities of class 1, under the name of class 2, without a warning. The documentation takes one column
# for each class of the model. plot.confusion_matrix() had the same fault until pull request 1960. No issue of the project describes
# the curves.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet wandb==0.31.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
WANDB_MODE=offline WANDB_SILENT=true "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import wandb
from sklearn.metrics import auc

print("W&B", wandb.__version__)
random = np.random.default_rng(0)
names = ["cat", "dog", "emu"]
for classes in ([0, 1, 2], [0, 2]):
    labels = np.repeat(classes, 50)
    probabilities = np.full((len(labels), 3), 0.05)
    probabilities[np.arange(len(labels)), labels] = 0.9  # each photo's class is by far the most probable one
    probabilities += random.normal(0, 0.01, probabilities.shape)
    curves = {"ROC": wandb.plot.roc_curve(labels, probabilities, names), "PR": wandb.plot.pr_curve(labels, probabilities, names)}
    for curve, (x, y) in {"ROC": ("fpr", "tpr"), "PR": ("recall", "precision")}.items():
        table = curves[curve].table.get_dataframe()
        areas = {name: auc(part[x], part[y]) for name, part in table.groupby("class")}
        print(f"photos of {[names[index] for index in classes]}, area under the {curve} curve - expected: 1.00 of each", end=" - seen: ")
        print(", ".join(f"{name} {area:.2f}" for name, area in areas.items()))
        assert areas["cat"] > 0.99 and (areas["emu"] > 0.99 if 1 in classes else 0.3 < areas["emu"] < 0.7)
PYTHON
