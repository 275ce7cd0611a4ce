"""Confident learning: find labels that a classifier which has not seen them confidently contradicts.

After Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (2021).
"""

import logging

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

logger = logging.getLogger(__name__)

INVERSE_REGULARISATIONS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def out_of_fold_probabilities(features: np.ndarray, labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Predict each example by logistic regression on the other folds, with the regularisation of the lowest log loss.

    Args:
        features: shaped (examples, channels).
        labels: class indices, int64, shaped (examples,), with at least two examples of each class.
        folds: number of folds; fewer, if a class has fewer examples.
        seed: of the order in which examples are divided into folds.

    Returns:
        Probabilities, shaped (examples, classes).
    """
    smallest = int(np.bincount(labels).min())
    if smallest < folds:
        logger.warning("%d folds instead of %d, as a class has no more photos", smallest, folds)
    splitter = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=seed)
    candidates = []
    with threadpool_limits(1):  # the last digits depend on the number of threads
        for inverse in INVERSE_REGULARISATIONS:
            classifier = make_pipeline(StandardScaler(), LogisticRegression(C=inverse, max_iter=1000))
            candidates.append(cross_val_predict(classifier, features, labels, cv=splitter, method="predict_proba"))
    return np.asarray(min(candidates, key=lambda probabilities: log_loss(labels, probabilities)))


def confident_classes(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the class to which each example confidently belongs, or its label if there is none.

    It is the most probable of the classes whose probability reaches their threshold: its mean over the examples with
    that label. Where it is not the label, the example is off the diagonal of the confident joint.

    Args:
        probabilities: out of fold, shaped (examples, classes).
        labels: int64, shaped (examples,).

    Returns:
        Class indices, int64, shaped (examples,).
    """
    thresholds = [probabilities[labels == label, label].mean() for label in range(probabilities.shape[1])]
    confident = np.where(probabilities >= thresholds, probabilities, 0)
    return np.where(confident.any(axis=1), confident.argmax(axis=1), labels)
