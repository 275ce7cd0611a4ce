"""Predictions and evaluations of models that do not exist."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from stages.evaluation.results import Cost, Evaluation, Predictions, TestSet
from stages.evaluation.scores import evaluate, tabulate_predictions
from stages.inference.calibration import Calibration
from stages.inference.prediction import Outputs

CLASSES = ["cats", "dogs"]


def evaluation_of(
    name: str,
    predictions: Predictions,
    val_accuracy: float = 0.9,
    val_loss: float = 0.2,
    baseline: float = 0.6,
    confusion: Sequence[Sequence[int]] = ((9, 1), (1, 9)),
) -> Evaluation:
    """Evaluate a model on the test photos 0.jpg, 1.jpg, ...; ``confusion`` is that of the validation photos."""
    history = pd.DataFrame([{"accuracy": 0.9, "loss": 0.1, "val_accuracy": val_accuracy, "val_loss": val_loss}])
    outputs, test = Outputs(predictions.logits), as_test_set(predictions, baseline)
    model = evaluate(name, history, classified(confusion), outputs, Calibration(), test)
    return replace(model, environment=[f"Python of {name}", "2 threads"], cost=Cost(1.5, 7, 10**6, 10**9))


def as_test_set(predictions: Predictions, baseline: float = 0.6) -> TestSet:
    classes = [*CLASSES, *(f"species {index:03}" for index in range(2, predictions.logits.shape[1]))]
    photos = pd.DataFrame({"label": np.take(classes, predictions.labels)})
    photos["path"] = [f"{index}.jpg" for index in photos.index]
    return TestSet(photos, classes, np.empty(0), predictions.labels, baseline)


def photos_of(predictions: Predictions) -> pd.DataFrame:
    """The test photos with these predictions."""
    return tabulate_predictions(as_test_set(predictions), predictions.logits)


def classified(confusion: Sequence[Sequence[int]]) -> Predictions:
    """Predictions with this confusion matrix: a row per true class, a column per predicted one."""
    counts = np.array(confusion)
    cells = np.repeat(np.arange(counts.size), counts.ravel())
    labels, predicted = np.divmod(cells, len(counts))
    return Predictions(labels, 9 * np.eye(len(counts))[predicted])


def two_classes(labels: np.ndarray, second: np.ndarray) -> Predictions:
    """Predictions with these probabilities of the second class."""
    return probable(labels, np.stack([1 - second, second], axis=1))


def probable(labels: np.ndarray, probabilities: np.ndarray) -> Predictions:
    """Predictions with these probabilities, of which none is 0."""
    return Predictions(labels, np.log(probabilities))
