import numpy as np
import pytest

from stages.evaluation.label_errors import confident_classes, out_of_fold_probabilities
from stages.models import logistic_regression


def test_a_class_is_confident_from_its_mean_probability_on() -> None:
    """The mean over the examples with its label."""
    probabilities = np.array(
        [
            [0.9, 0.1, 0.0],
            [0.2, 0.7, 0.1],  # reaches class 1's threshold, and its label's not
            [0.4, 0.6, 0.0],  # labelled 1, of which it is at the threshold
            [0.5, 0.6, 0.0],  # the label's class too is below its threshold, so that 1 alone is confident
            [0.3, 0.3, 0.4],
            [0.1, 0.3, 0.6],
            [0.3, 0.5, 0.2],  # no class is confident
        ]
    )
    labels = np.array([0, 0, 1, 0, 2, 2, 1])
    # The thresholds: (0.9 + 0.2 + 0.5) / 3, (0.6 + 0.5) / 2 and (0.4 + 0.6) / 2.
    np.testing.assert_array_equal(confident_classes(probabilities, labels), [0, 1, 1, 1, 2, 2, 1])


def test_of_two_confident_classes_the_more_probable_counts() -> None:
    probabilities = np.array([[0.6, 0.4], [0.2, 0.8], [0.55, 0.45], [0.9, 0.1], [0.9, 0.1]])
    labels = np.array([0, 0, 1, 1, 1])  # thresholds of 0.4 and 0.217
    np.testing.assert_array_equal(confident_classes(probabilities, labels), [0, 1, 0, 0, 0])


def clusters(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Two groups of points, well apart."""
    labels = np.arange(count) % 2
    return np.random.default_rng(0).normal(4 * labels[:, np.newaxis], 1, (count, 3)).astype(np.float32), labels


@pytest.mark.parametrize("sample", [5_000, 100])
def test_exchanged_labels_are_found_and_no_others(monkeypatch: pytest.MonkeyPatch, sample: int) -> None:
    """Also where a sample of the examples chooses the regularisation."""
    monkeypatch.setattr(logistic_regression, "SAMPLE", sample)
    features, labels = clusters()
    given = labels.copy()
    given[[3, 20, 141]] ^= 1
    found = confident_classes(out_of_fold_probabilities(features, given, np.arange(200), folds=5, seed=0), given)
    assert np.flatnonzero(found != given).tolist() == [3, 20, 141]
    np.testing.assert_array_equal(found[[3, 20, 141]], labels[[3, 20, 141]])


def test_no_example_is_judged_by_a_classifier_that_has_seen_it() -> None:
    features, labels = np.eye(40), np.arange(40) % 2  # each has a feature of its own, which tells its label
    own = out_of_fold_probabilities(features, labels, np.arange(40), folds=5, seed=0)[np.arange(40), labels]
    assert own.max() < 0.51


def test_copies_under_one_wrong_label_do_not_hide_each_other() -> None:
    """A copy in another fold would confirm the label of a point that lies on its own."""
    features, labels = clusters()
    copies = np.arange(0, 200, 20)
    features[copies] = features[copies[0]] = [9, -9, 9]
    groups = np.arange(200)
    groups[copies] = 0
    own = out_of_fold_probabilities(features, labels, groups, folds=5, seed=0)[copies, labels[copies]]
    apart = out_of_fold_probabilities(features, labels, np.arange(200), folds=5, seed=0)[copies, labels[copies]]
    assert own.max() < 0.5 < apart.min()
