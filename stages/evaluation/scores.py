"""How good each model is, in numbers that can be compared."""

from statistics import mean, stdev
from typing import Any

import pandas as pd
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

from stages.evaluation.calibration import calibration_error
from stages.evaluation.curves import kept_epoch
from stages.evaluation.results import Evaluation, Predictions
from stages.evaluation.significance import wilson_interval

# Those by which models can be ranked (``evaluate.rank_by``).
SCORE_NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}


def score(
    history: pd.DataFrame, validation: Predictions, predictions: Predictions, classes: list[str], baseline: float
) -> dict[str, Any]:
    """Score a model by its history, its predictions on the validation and the test photos and the test's baseline.

    Returns:
        ``train`` and ``validation``: accuracy and loss of the epoch kept (in training with dropout and augmentation on,
        and averaged over the epoch, as Keras reports it; with ``train.class_weight: balanced`` the training loss is
        weighted, the validation loss is not), and of validation the scores of ``class_scores``. ``test``: the same, the
        accuracy's gain over the baseline and its 95 % confidence interval, the cross-entropy in nats, the area under
        the ROC curve (for more than two classes the mean of each class against the rest), and the expected calibration
        error (``ece``).
        ``classes``: precision and recall of each, in a list: DVC leaves lists out of its tables, which so stay one
        screen wide.
    """
    kept = kept_epoch(history)
    labels, probabilities = predictions.labels, predictions.probabilities
    accuracy = float(predictions.correct.mean())
    low, high = wilson_interval(accuracy, len(labels))
    numbers = range(len(classes))
    ranked_by = probabilities[:, 1] if len(classes) == 2 else probabilities
    test = {
        "accuracy": accuracy,
        "gain_over_baseline": accuracy - baseline,
        "accuracy_low": low,
        "accuracy_high": high,
        "loss": log_loss(labels, probabilities, labels=numbers),
        "roc_auc": roc_auc_score(labels, ranked_by, multi_class="ovr"),
        "ece": calibration_error(predictions),
        **class_scores(predictions),
    }
    precision, recall, *_ = precision_recall_fscore_support(
        labels, predictions.predicted, labels=numbers, zero_division=0
    )
    return {
        "train": rounded({"accuracy": kept["accuracy"], "loss": kept["loss"]}),
        "validation": rounded({"accuracy": kept["val_accuracy"], "loss": kept["val_loss"], **class_scores(validation)}),
        "test": rounded(test),
        "classes": [
            {"label": label, **rounded({"precision": p, "recall": r})}
            for label, p, r in zip(classes, precision, recall, strict=True)
        ],
    }


def class_scores(predictions: Predictions) -> dict[str, float]:
    """Compute the scores to which each class contributes alike, however many photos it has.

    Returns:
        ``balanced_accuracy``, the mean of the classes' recall; ``macro_f1``, the mean of their F1.
    """
    numbers = range(predictions.probabilities.shape[1])
    confusion = confusion_matrix(predictions.labels, predictions.predicted, labels=numbers)
    correct, actual, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return {"balanced_accuracy": (correct / actual).mean(), "macro_f1": (2 * correct / (actual + predicted)).mean()}


def score_temperature(temperature: float, before: Predictions) -> dict[str, float]:
    """Score the same model without its temperature: its ``ece`` and ``loss`` before, beside those under ``test``."""
    loss = log_loss(before.labels, before.probabilities, labels=range(before.probabilities.shape[1]))
    return rounded({"temperature": temperature, "ece_before": calibration_error(before), "loss_before": loss})


def rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in scores.items()}


def ranking(evaluations: list[Evaluation], rank_by: str) -> list[Evaluation]:
    """Sort the models by a validation score, then by validation loss, the best first; the test photos play no part."""
    return sorted(
        evaluations, key=lambda model: (-model.scores["validation"][rank_by], model.scores["validation"]["loss"])
    )


def with_spread(over_seeds: list[float]) -> str:
    """Write the first score, and if there are more their mean and standard deviation."""
    spread = f" ({mean(over_seeds):.3f} ± {stdev(over_seeds):.3f})" if len(over_seeds) > 1 else ""
    return f"{over_seeds[0]:.3f}{spread}"


def leaderboard(ranked: list[Evaluation], baseline: float, rank_by: str) -> pd.DataFrame:
    """Tabulate the scores as text: a row per model, in the order given, and the majority-class baseline last.

    Args:
        rank_by: the validation score to show; also the test score of this name, if it is not the accuracy.
    """
    name = SCORE_NAMES[rank_by]
    rows = [
        {
            "model": evaluation.name,
            f"validation {name}": with_spread(evaluation.over_seeds("validation", rank_by)),
            **({} if rank_by == "accuracy" else {f"test {name}": with_spread(evaluation.over_seeds("test", rank_by))}),
            "test accuracy": with_spread(evaluation.over_seeds("test", "accuracy")),
            "95 % CI": f"{test['accuracy_low']:.3f} to {test['accuracy_high']:.3f}",
            "ROC AUC": with_spread(evaluation.over_seeds("test", "roc_auc")),
            "ECE": with_spread(evaluation.over_seeds("test", "ece")),
        }
        for evaluation, test in ((evaluation, evaluation.scores["test"]) for evaluation in ranked)
    ]
    low, high = wilson_interval(baseline, len(ranked[0].predictions.labels))
    last = {"model": "(majority class)", "test accuracy": f"{baseline:.3f}", "95 % CI": f"{low:.3f} to {high:.3f}"}
    return pd.DataFrame([*rows, last]).fillna("")
