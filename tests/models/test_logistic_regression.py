"""Logistic regression, its folds and the choice of its regularisation."""

import os
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from stages.models import logistic_regression
from stages.models.logistic_regression import assign_folds, cross_validate, fit_classifier, out_of_fold, pool_first_view
from stages.storage.arrays import temporary_array
from tests.conftest import PROJECT


def blobs(classes: int, count: int = 120, channels: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping clouds of points, one a class."""
    rng = np.random.default_rng(classes)
    labels = np.arange(count) % classes
    centres = rng.normal(0, 1, (classes, channels))
    return (3 + centres[labels] + rng.normal(0, 1, (count, channels))).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_probabilities_are_scikit_learn_s(classes: int, class_weight: str | None) -> None:
    """Centring and scaling are folded into kernel and bias, which take the features as they are."""
    features, labels = blobs(classes)
    features, labels = features[20:], np.sort(labels)[20:]  # classes of unequal size
    scaled = features.astype(np.float64)
    scaled = (scaled - scaled.mean(axis=0)) / np.sqrt(scaled.var(axis=0).mean())
    expected = LogisticRegression(C=0.1, class_weight=class_weight, tol=1e-8).fit(scaled, labels).predict_proba(scaled)
    found = fit_classifier(features, labels, classes, 0.1, class_weight).probabilities(features)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_channel_that_never_varies_has_no_weight() -> None:
    features, labels = blobs(2)
    features[:, 2] = 0
    assert not fit_classifier(features, labels, 2, 1.0, None).kernel[2].any()
    same = fit_classifier(np.ones_like(features), labels, 2, 1.0, None)
    np.testing.assert_allclose(same.probabilities(features), 0.5, atol=1e-6)


def test_a_class_without_examples_has_probability_zero() -> None:
    features, labels = blobs(2)
    found = fit_classifier(features, 2 * labels, 4, 1.0, None).probabilities(features)
    assert not found[:, [1, 3]].any()
    alone = fit_classifier(features, np.full(len(labels), 1), 3, 1.0, None).probabilities(features)
    np.testing.assert_array_equal(alone, np.tile([0, 1, 0], (len(labels), 1)))


def test_groups_share_a_fold_and_classes_are_in_equal_shares() -> None:
    labels = np.repeat([0, 1], [60, 30])
    groups = np.arange(90)
    groups[[3, 40, 70]] = 3
    groups[[5, 6]] = 5
    folds = assign_folds(labels, groups, 5, seed=0)
    assert len(set(folds[[3, 40, 70]])) == len(set(folds[[5, 6]])) == 1
    counts = np.array([np.bincount(folds[labels == label], minlength=5) for label in (0, 1)])
    assert np.ptp(counts, axis=1).max() <= 3
    assert (folds != assign_folds(labels, groups, 5, seed=1)).any()
    names = np.array([f"photo {group:02d}" for group in groups])
    np.testing.assert_array_equal(folds, assign_folds(labels, names, 5, seed=0))


def test_of_a_class_of_two_each_is_in_another_fold() -> None:
    labels = np.repeat([0, 1, 2], [7, 2, 3])
    folds = assign_folds(labels, np.arange(12), 5, seed=3)
    assert [len(set(folds[labels == label])) for label in (1, 2)] == [2, 3]


def test_the_best_regularisation_has_the_lowest_log_loss() -> None:
    features, labels = blobs(2)
    folds = assign_folds(labels, np.arange(len(labels)), 5, 0)
    best, candidates = cross_validate(features, labels, folds, (10.0, 1e-6, 0.1, 0.1))
    assert [candidate.inverse_regularization for candidate in candidates] == [1e-6, 0.1, 10]
    losses = [log_loss(labels, out_of_fold(features, labels, folds, inverse)) for inverse in (1e-6, 0.1, 10)]
    np.testing.assert_allclose([candidate.loss for candidate in candidates], losses, atol=1e-6)
    assert best is candidates[int(np.argmin(losses))]
    noise = np.random.default_rng(0).normal(size=features.shape).astype(np.float32)
    best, candidates = cross_validate(noise, labels, folds, (1e-11, 10.0, 1e-12))
    assert (best.inverse_regularization, candidates[1].loss) == (1e-12, best.loss), "of equal ones the most regularised"


def test_of_many_examples_a_sample_chooses_the_regularisation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the classes in their proportions, and of each as many examples of every fold."""
    monkeypatch.setattr(logistic_regression, "SAMPLE", 60)
    fit = mock.Mock(wraps=fit_classifier)
    monkeypatch.setattr(logistic_regression, "fit_classifier", fit)
    features, labels = blobs(2, 1200)
    labels = np.where(np.arange(1200) < 600, 0, labels)  # 900 and 300
    folds = assign_folds(labels, np.arange(1200), 5, 0)
    cross_validate(features, labels, folds, (0.1, 1.0))
    assert [np.bincount(call.args[1]).tolist() for call in fit.call_args_list] == [[36, 12]] * 10
    assert len(out_of_fold(features, labels, folds, 0.1)) == 1200


def test_of_many_classes_one_fold_chooses_the_regularisation(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = blobs(3)
    folds = assign_folds(labels, np.arange(len(labels)), 5, 0)
    strengths = (1e-6, 0.1, 10.0)
    losses = [log_loss(labels[folds == 0], out_of_fold(features, labels, folds, c)[folds == 0]) for c in strengths]
    monkeypatch.setattr(logistic_regression, "MANY_CLASSES", 2)
    best, candidates = cross_validate(features, labels, folds, strengths)
    np.testing.assert_allclose([candidate.loss for candidate in candidates], losses, atol=1e-6)
    assert best is candidates[int(np.argmin(losses))]


def test_losses_are_weighted_as_the_fit_is() -> None:
    features, labels = blobs(2, 100)
    labels = np.where(np.arange(100) < 80, 0, labels)
    folds = assign_folds(labels, np.arange(100), 5, 0)
    plain, balanced = (out_of_fold(features, labels, folds, 0.1, weight) for weight in (None, "balanced"))
    candidate, _ = cross_validate(features, labels, folds, (0.1,), "balanced")
    of_class = np.array([len(labels) / 2 / np.bincount(labels)[label] for label in labels])
    assert candidate.loss == pytest.approx(log_loss(labels, balanced, sample_weight=of_class), abs=1e-6)
    assert plain[:, 1].mean() < balanced[:, 1].mean()


def test_one_example_of_most_classes_gives_no_warning() -> None:
    """Of scikit-learn, that the labels could be a regression's: in the tests it is an error."""
    features, labels = blobs(30, count=40)
    probabilities = fit_classifier(features, labels, 30, 1.0, None).probabilities(features)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.5


def test_a_class_of_one_example_can_be_cross_validated() -> None:
    features, _ = blobs(2, 11)
    labels = np.repeat([0, 1, 2], [5, 5, 1])
    _, candidates = cross_validate(features, labels, assign_folds(labels, np.arange(11), 5, 0), (0.1, 1.0))
    assert all(np.isfinite(candidate.loss) for candidate in candidates)
    best, _ = cross_validate(features[:2], np.arange(2), np.arange(2), (0.1, 1.0))
    assert best.inverse_regularization == 1, "the most regularised would have hardly any weights"
    pair = out_of_fold(features[:2], np.arange(2), np.arange(2), 1.0)
    np.testing.assert_array_equal(pair, [[0, 1], [1, 0]])


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("shape", [(2, 3, 4), (4,)], ids=["maps", "pooled"])
def test_the_first_view_is_averaged_over_height_and_width(shape: tuple[int, ...]) -> None:
    views = np.random.default_rng(0).normal(size=(2 * 300, *shape)).astype(np.float16)
    array = temporary_array(views.shape, np.float16)
    array.write(0, views)
    expected = views[:300].astype(np.float64).mean(tuple(range(1, len(shape))))
    pooled = pool_first_view(array, 300)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, expected, atol=1e-6)


FIT = """
import numpy as np
from stages.models.logistic_regression import assign_folds, out_of_fold
rng = np.random.default_rng(0)
features, labels = rng.normal(size=(500, 500)).astype(np.float32), rng.integers(0, 8, 500)  # enough for two threads
found = out_of_fold(features, labels, assign_folds(labels, np.arange(500), 5, 0), 0.01)
print(found.tobytes().hex())
"""


def test_the_number_of_threads_changes_no_byte() -> None:
    found = set()
    for threads in ("1", "4"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", FIT]
        found.add(subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=True).stdout)
    assert len(found) == 1
