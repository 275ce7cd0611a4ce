"""How good each model is, in numbers that can be compared."""

from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from stages.evaluation.calibration import calibration_error
from stages.evaluation.curves import kept_epoch
from stages.evaluation.results import Evaluation, Predictions
from stages.evaluation.significance import wilson_interval
from stages.inference.confidence import cross_entropy, log_odds

# Those by which models can be ranked (``evaluate.rank_by``).
SCORE_NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
DIGITS = 12  # of a score by which models are compared: beyond, equal ones differ by the order of their terms


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
        screen wide. Nothing is rounded, as scores are also compared.
    """
    kept = kept_epoch(history)
    labels = predictions.labels
    accuracy = float(predictions.correct.mean())
    low, high = wilson_interval(accuracy, len(labels))
    numbers = range(len(classes))
    test = {
        "accuracy": accuracy,
        "gain_over_baseline": accuracy - baseline,
        "accuracy_low": low,
        "accuracy_high": high,
        "loss": cross_entropy(predictions.logits, labels),
        "roc_auc": roc_auc(predictions),
        "ece": calibration_error(predictions),
        **class_scores(predictions),
    }
    precision, recall, *_ = precision_recall_fscore_support(
        labels, predictions.predicted, labels=numbers, zero_division=0
    )
    return {
        "train": {"accuracy": float(kept["accuracy"]), "loss": float(kept["loss"])},
        "validation": {
            "accuracy": float(kept["val_accuracy"]),
            "loss": float(kept["val_loss"]),
            **class_scores(validation),
        },
        "test": test,
        "classes": [
            {"label": label, "precision": float(p), "recall": float(r)}
            for label, p, r in zip(classes, precision, recall, strict=True)
        ],
    }


def roc_auc(predictions: Predictions) -> float:
    """Compute the area under the ROC curve of the second of two classes, or the mean of each against the rest."""
    ranked_by = log_odds(predictions.logits)
    classes = range(1 if ranked_by.shape[1] == 2 else 0, ranked_by.shape[1])
    return float(np.mean([roc_auc_score(predictions.labels == number, ranked_by[:, number]) for number in classes]))


def class_scores(predictions: Predictions) -> dict[str, float]:
    """Compute the scores to which each class contributes alike, however many photos it has.

    Returns:
        ``balanced_accuracy``, the mean of the classes' recall; ``macro_f1``, the mean of their F1.
    """
    numbers = range(predictions.logits.shape[1])
    confusion = confusion_matrix(predictions.labels, predictions.predicted, labels=numbers)
    correct, actual, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return {
        "balanced_accuracy": float((correct / actual).mean()),
        "macro_f1": float((2 * correct / (actual + predicted)).mean()),
    }


def score_temperature(temperature: float, before: Predictions) -> dict[str, float]:
    """Score the same model without its temperature: its ``ece`` and ``loss`` before, beside those under ``test``."""
    loss = cross_entropy(before.logits, before.labels)
    return {"temperature": temperature, "ece_before": calibration_error(before), "loss_before": loss}


def rounded(scores: Any) -> Any:
    """Round the scores in dictionaries and lists to six digits, to write them."""
    if isinstance(scores, dict):
        return {name: rounded(value) for name, value in scores.items()}
    if isinstance(scores, list):
        return [rounded(value) for value in scores]
    return round(scores, 6) if isinstance(scores, float) else scores


def ranking(evaluations: list[Evaluation], rank_by: str) -> list[Evaluation]:
    """Sort the models by a validation score, then by validation loss, the best first; the test photos play no part."""
    return sorted(
        evaluations,
        key=lambda model: (-round(model.scores["validation"][rank_by], DIGITS), model.scores["validation"]["loss"]),
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
