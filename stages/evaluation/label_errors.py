"""Confident learning: find labels that a classifier which has not seen them confidently contradicts.

After Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (2021).
"""

import numpy as np

from stages.models.logistic_regression import INVERSE_REGULARIZATIONS, assign_folds, cross_validate, out_of_fold


def out_of_fold_probabilities(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray, folds: int, seed: int
) -> np.ndarray:
    """Predict each example by logistic regression on the other folds, with the regularisation of the lowest log loss.

    Features are float32, shaped (examples, channels), labels class indices, int64; the examples of a group are in one
    fold. The probabilities are shaped (examples, classes).
    """
    assigned = assign_folds(labels, groups, folds, seed)
    probabilities: np.ndarray
    best, probabilities, _ = cross_validate(features, labels, assigned, INVERSE_REGULARIZATIONS)
    if len(probabilities) < len(labels):  # those of a sample
        probabilities = out_of_fold(features, labels, assigned, best.inverse_regularization)
    return probabilities


def confident_classes(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the class to which each example confidently belongs, or its label if there is none.

    It is the most probable of the classes whose probability reaches their threshold: its mean over the examples with
    that label. Where it is not the label, the example is off the diagonal of the confident joint. ``probabilities`` are
    out of fold, shaped (examples, classes); ``labels`` and the result are class indices, int64, shaped (examples,).
    """
    thresholds = [probabilities[labels == label, label].mean() for label in range(probabilities.shape[1])]
    confident = np.where(probabilities >= thresholds, probabilities, 0)
    return np.where(confident.any(axis=1), confident.argmax(axis=1), labels)
