"""Logistic regression on a backbone's pooled features, with its regularisation chosen by cross-validation.

It needs no TensorFlow: ``train`` makes a Keras model's last layer of it, ``label_issues`` predicts out of fold with it.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from stages.storage.arrays import ArrayStore, blockwise

INVERSE_REGULARIZATIONS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # unless the config lists others
MAX_ITERATIONS = 10_000  # of L-BFGS; MobileNetV2's features take 13 to 36
BATCH_SIZE = 256
SAMPLE = 5_000  # examples on which regularisations are compared: of 1,000 classes a fit to 20,000 takes half a minute
MANY_CLASSES = 100  # above which one fold compares regularisations: of 1,000 classes a fit takes up to 30 CPU s
ROWS = 4_096  # of features at a time, whose logits in float64 take memory
EPSILON = np.finfo(np.float64).eps  # the least probability in a loss, as in scikit-learn


class LinearClassifier(NamedTuple):
    """The logits of features x are ``x @ kernel + bias``."""

    kernel: np.ndarray  # float64, shaped (channels, classes)
    bias: np.ndarray  # float64, shaped (classes,); -inf for a class without examples

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Compute softmax of the logits, float64, shaped (examples, classes)."""
        return blockwise(lambda rows: softmax(rows @ self.kernel + self.bias, axis=1), features, ROWS)


class Candidate(NamedTuple):
    """A regularisation, and the scores of the out-of-fold predictions with it."""

    inverse_regularization: float  # C in scikit-learn
    loss: float  # weighted by class if the fit is
    accuracy: float


def pool_first_view(features: ArrayStore, photos: int) -> np.ndarray:
    """Average the features of each photo's first view over height and width: float32, shaped (photos, channels)."""
    spatial = tuple(range(1, len(features.shape) - 1))
    return blockwise(lambda rows: features[rows].mean(spatial, np.float32), np.arange(photos), BATCH_SIZE)


def fit_classifier(
    features: np.ndarray, labels: np.ndarray, classes: int, inverse_regularization: float, class_weight: str | None
) -> LinearClassifier:
    """Fit multinomial logistic regression with an L2 penalty to features, float32, shaped (examples, channels).

    Features are centred and divided by one number, the root of the channels' mean variance, so that the same C means
    as much for any backbone; with a number for each channel, those that hardly vary would count as much as all others.
    """
    kernel, bias = np.zeros((features.shape[1], classes)), np.full(classes, -np.inf)
    present = np.unique(labels)
    if len(present) == 1:
        bias[present] = 0
        return LinearClassifier(kernel, bias)
    mean = features.mean(axis=0, dtype=np.float64)
    scale = float(np.sqrt(features.var(axis=0, dtype=np.float64).mean())) or 1.0
    standardized = ((features - mean) / scale).astype(np.float32)
    regression = LogisticRegression(C=inverse_regularization, class_weight=class_weight, max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        # With one or two photos of each class scikit-learn warns that the labels may be those of a regression.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        regression.fit(standardized, labels)
    coefficients, intercepts = regression.coef_.T.astype(np.float64) / scale, regression.intercept_.astype(np.float64)
    if len(present) == 2:  # scikit-learn has the log-odds of the second class alone
        coefficients, intercepts = coefficients * [-0.5, 0.5], intercepts * [-0.5, 0.5]
    kernel[:, present], bias[present] = coefficients, intercepts - mean @ coefficients
    return LinearClassifier(kernel, bias)


def assign_folds(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Assign whole groups to folds at random, each class in equal shares (by the label of a group's first example)."""
    _, first, members = np.unique(groups, return_index=True, return_inverse=True)
    order = np.lexsort([np.random.default_rng(seed).permutation(len(first)), labels[first]])
    fold_of_group = np.empty(len(first), np.int64)
    fold_of_group[order] = np.arange(len(first)) % folds
    return fold_of_group[members]


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
    inverse_regularizations: tuple[float, ...],
    class_weight: str | None = None,
) -> tuple[Candidate, list[Candidate]]:
    """Compare regularisations by their out-of-fold predictions, on up to ``SAMPLE`` examples.

    Of more, it takes a sample stratified by class and fold: C is the variance of a Gaussian prior of the weights, which
    the number of examples does not change. Of many classes it holds out the first fold alone. ``folds`` are those of
    ``assign_folds``.

    Returns the candidate with the lowest log loss, of equal ones the most regularised, and all candidates, the most
    regularised first. If all are equal, as with one example of each class, it returns the least regularised.
    """
    if len(labels) > SAMPLE:
        by_class_and_fold = np.lexsort([folds, labels])
        rows = np.sort(by_class_and_fold[np.arange(SAMPLE) * len(labels) // SAMPLE])
        features, labels, folds = features[rows], labels[rows], folds[rows]
    weights = compute_sample_weight(class_weight, labels)
    tested = np.unique(folds)[:1] if labels.max() >= MANY_CLASSES else np.unique(folds)
    held_out = np.isin(folds, tested)
    candidates: list[Candidate] = []
    for inverse in sorted(set(inverse_regularizations)):
        predictions = out_of_fold(features, labels, folds, inverse, class_weight, tested)
        candidates.append(Candidate(inverse, *loss_and_accuracy(predictions, labels[held_out], weights[held_out])))
    best = min(candidates, key=lambda candidate: candidate.loss)
    if all(candidate.loss == best.loss for candidate in candidates):
        best = candidates[-1]
    return best, candidates


@threadpool_limits.wrap(limits=1)  # on whose number the last digits would depend
def out_of_fold(
    features: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
    inverse_regularization: float,
    class_weight: str | None = None,
    tested: np.ndarray | None = None,
) -> np.ndarray:
    """Predict the examples of some folds, by default all, by classifiers that were each fitted to all other folds.

    Returns probabilities, float64, shaped (examples, classes). No classifier starts from the weights of another one,
    which has seen its held-out fold and would remember it.
    """
    if tested is None:
        tested = np.unique(folds)
    classes = int(labels.max()) + 1
    probabilities = np.empty((len(labels), classes))
    for fold in tested:
        rest = folds != fold
        fitted = fit_classifier(features[rest], labels[rest], classes, inverse_regularization, class_weight)
        probabilities[~rest] = fitted.probabilities(features[~rest])
    return probabilities[np.isin(folds, tested)]


def loss_and_accuracy(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """Compute the log loss in nats, by weights of the examples or not, and the accuracy, rounded to six digits."""
    losses = -np.log(probabilities[np.arange(len(labels)), labels].clip(EPSILON))
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    return round(float(np.average(losses, weights=weights)), 6), round(float(accuracy), 6)
