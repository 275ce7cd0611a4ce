"""Confident learning: find the labels that a classifier, which has not seen them, confidently contradicts.

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
        labels: int64, shaped (examples,), with two examples of each class at least.
        folds: how many; fewer, if a class has no more examples.
        seed: of the examples' order before they are divided into folds.

    Returns:
        Probabilities, shaped (examples, classes).
    """
    smallest = int(np.bincount(labels).min())
    if smallest < folds:
        logger.warning("%d folds instead of %d, as a class has no more photos", smallest, folds)
    splitter = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=seed)
    candidates = []
    with threadpool_limits(1):  # whose number the last digits would depend on
        for inverse in INVERSE_REGULARISATIONS:
            classifier = make_pipeline(StandardScaler(), LogisticRegression(C=inverse, max_iter=1000))
            candidates.append(cross_val_predict(classifier, features, labels, cv=splitter, method="predict_proba"))
    return np.asarray(min(candidates, key=lambda probabilities: log_loss(labels, probabilities)))


def confident_classes(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Say to which class each example confidently belongs, or give its label if to none.

    It is the most probable of the classes whose probability reaches their threshold: its mean over the examples that
    are labelled so. Where it is not the label, the example is off the diagonal of the confident joint.

    Args:
        probabilities: out of fold, shaped (examples, classes).
        labels: int64, shaped (examples,).

    Returns:
        int64, shaped (examples,).
    """
    thresholds = [probabilities[labels == label, label].mean() for label in range(probabilities.shape[1])]
    confident = np.where(probabilities >= thresholds, probabilities, 0)
    return np.where(confident.any(axis=1), confident.argmax(axis=1), labels)
