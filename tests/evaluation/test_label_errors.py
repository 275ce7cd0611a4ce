import numpy as np
import pytest
from sklearn.metrics import log_loss

from stages.evaluation import label_errors as confident_learning
from stages.evaluation.label_errors import confident_classes, out_of_fold_probabilities


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


def test_exchanged_labels_are_found_and_no_others() -> None:
    features, labels = clusters()
    given = labels.copy()
    given[[3, 20, 141]] ^= 1
    found = confident_classes(out_of_fold_probabilities(features, given, folds=5, seed=0), given)
    assert np.flatnonzero(found != given).tolist() == [3, 20, 141]
    np.testing.assert_array_equal(found[[3, 20, 141]], labels[[3, 20, 141]])


def test_no_example_is_judged_by_a_classifier_that_has_seen_it() -> None:
    features, labels = np.eye(40), np.arange(40) % 2  # each has a feature of its own, which tells its label
    own = out_of_fold_probabilities(features, labels, folds=5, seed=0)[np.arange(40), labels]
    assert own.max() < 0.51


def test_the_regularisation_is_that_of_the_lowest_log_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clusters()

    def probabilities(*strengths: float) -> np.ndarray:
        monkeypatch.setattr(confident_learning, "INVERSE_REGULARISATIONS", strengths)
        return out_of_fold_probabilities(features, labels, folds=5, seed=0)

    weak, strong = probabilities(1.0), probabilities(1e-4)
    assert log_loss(labels, weak) < log_loss(labels, strong)
    np.testing.assert_array_equal(probabilities(1e-4, 1.0), weak)
    np.testing.assert_array_equal(probabilities(1.0, 1e-4), weak)


def test_a_small_class_lowers_the_number_of_folds(caplog: pytest.LogCaptureFixture) -> None:
    features, _ = clusters(20)
    labels = np.repeat([0, 1], [18, 2])
    assert out_of_fold_probabilities(features, labels, folds=2, seed=0).shape == (20, 2)
    assert not caplog.messages
    assert out_of_fold_probabilities(features, labels, folds=5, seed=0).shape == (20, 2)
    assert caplog.messages == ["2 folds instead of 5, as a class has no more photos"]
