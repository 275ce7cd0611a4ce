#!/usr/bin/env bash
# Evidently 0.7.23: if class 0 is the positive one, a model that is right for 99 % of the photos has an accuracy of 0.01.
#
# prediction_probas is the column with the probability of the positive class, pos_label. Where the labels are the integers 0 and 1, it
# is taken for the probability of class 1, whatever pos_label is, so each prediction is inverted, even if the predicted labels are
# given beside it. Precision and recall are then those of class 0 of these predictions. With the labels "0" and "1", or with 1 as
# the positive class, all is right. Near to it: issue 1647 (open), of predicted labels that do not count beside probabilities.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet evidently==0.7.23 scikit-learn==1.9.1 pandas==2.3.3 2>/dev/null
cd "$folder"
DO_NOT_TRACK=1 "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import evidently
import numpy as np
import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.metrics import Accuracy, Recall, RocAuc

print("Evidently", evidently.__version__)
random = np.random.default_rng(0)
blurred = random.random(400) < 0.5
probability = (np.where(blurred, 0.75, 0.25) + random.normal(0, 0.1, 400)).clip(0, 1)  # that a photo is blurred
predicted = probability >= 0.5
expected = {"Accuracy": (predicted == blurred).mean(), "Recall": predicted[blurred].mean(), "RocAuc": 1.0}
expected = {name: round(float(value), 2) for name, value in expected.items()}
for positive, negative in [(1, 0), ("0", "1"), (0, 1)]:
    photos = pd.DataFrame({"label": np.where(blurred, positive, negative), "probability": probability})
    photos["prediction"] = np.where(predicted, positive, negative)
    for labels in (None, "prediction"):
        task = BinaryClassification(target="label", prediction_labels=labels, prediction_probas="probability", pos_label=positive)
        dataset = Dataset.from_pandas(photos, data_definition=DataDefinition(classification=[task]))
        metrics = Report([Accuracy(), Recall(), RocAuc()]).run(dataset, None).dict()["metrics"]
        seen = {metric["metric_name"].split("(")[0]: round(float(metric["value"]), 2) for metric in metrics}
        print(f"blurred is {positive!r}, predicted labels: {labels} - expected: {expected} - seen: {seen}")
        assert seen == ({name: round(1 - value, 2) for name, value in expected.items()} if positive == 0 else expected)
PYTHON
