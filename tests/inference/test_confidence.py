"""Temperature and thresholds, fitted on validation photos."""

import math
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit, logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from stages.common.cli import UserError
from stages.common.params import ConfidenceSettings
from stages.inference.confidence import (
    Confidence,
    find_threshold,
    fit_confidence,
    fit_temperature,
    log_odds,
    read_confidence,
)

OFF = ConfidenceSettings(temperature_scaling=False)
FITTED = ConfidenceSettings(temperature_scaling=True)
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(3000, 3)) * 2
# Drawn with the probabilities of a temperature of 2.5, whatever the logits say.
LABELS = np.array([RNG.choice(3, p=row) for row in softmax(LOGITS / 2.5, axis=1)])


class LogitsAsTheyAre(ClassifierMixin, BaseEstimator):
    """A classifier whose examples are their own logits, for scikit-learn."""

    def fit(self, _examples: np.ndarray, labels: np.ndarray) -> "LogitsAsTheyAre":
        self.classes_ = np.unique(labels)
        return self

    def predict(self, examples: np.ndarray) -> np.ndarray:
        return np.asarray(examples.argmax(axis=1))

    def decision_function(self, examples: np.ndarray) -> np.ndarray:
        return examples


def file_of(**features: np.ndarray) -> BytesIO:
    file = BytesIO()
    np.savez(file, allow_pickle=False, logits=LOGITS.astype(np.float32), labels=LABELS, **features)
    file.seek(0)
    return file


def test_the_temperature_is_that_of_scikit_learn_and_near_the_one_that_drew_the_labels() -> None:
    temperature = fit_temperature(LOGITS, LABELS)
    assert temperature == pytest.approx(2.5, abs=0.25)
    classifier = FrozenEstimator(LogitsAsTheyAre().fit(LOGITS, LABELS))
    calibrated = CalibratedClassifierCV(classifier, method="temperature").fit(LOGITS, LABELS)
    np.testing.assert_allclose(
        Confidence(temperature).probabilities(LOGITS), calibrated.predict_proba(LOGITS), atol=1e-4
    )


def test_without_a_mistake_the_temperature_is_one() -> None:
    assert fit_temperature(LOGITS, LOGITS.argmax(axis=1)) == 1


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature() -> None:
    np.testing.assert_array_equal(Confidence().probabilities(LOGITS), softmax(LOGITS, axis=1))
    np.testing.assert_allclose(Confidence(2).probabilities(LOGITS), softmax(LOGITS / 2, axis=1), rtol=1e-12)


def test_a_temperature_is_fitted_where_it_is_asked_for() -> None:
    assert fit_confidence(file_of(), FITTED).temperature == pytest.approx(fit_temperature(LOGITS, LABELS), abs=1e-4)
    assert fit_confidence(file_of(), OFF) == Confidence()


@pytest.mark.parametrize(
    ("accuracy", "threshold"),
    [(1, 0.9), (0.75, 0.8), (0.66, 0.5), (0.6, 0.5), (0.5, 0.4)],  # correct: 1 of 1, 3 of 4, 3 of 5, 4 of 6, 4 of 7
)
def test_the_threshold_is_the_lowest_from_which_on_the_accuracy_is_reached(accuracy: float, threshold: float) -> None:
    confidence = np.array([0.8, 0.9, 0.8, 0.8, 0.6, 0.5, 0.4])
    correct = np.array([True, True, False, True, False, True, False])
    assert find_threshold(confidence, correct, accuracy) == threshold


def test_where_the_surest_prediction_is_wrong_every_photo_is_unsure() -> None:
    assert find_threshold(np.array([0.9, 0.9, 0.8]), np.array([True, False, True]), 0.9) == math.inf
    assert Confidence(least_log_odds=math.inf).notes(np.eye(2), np.empty((2, 0))) == ["unsure", "unsure"]


def test_log_odds_are_those_of_the_probabilities() -> None:
    probabilities = softmax(LOGITS, axis=1)
    np.testing.assert_allclose(log_odds(LOGITS), logit(probabilities), atol=1e-9)
    np.testing.assert_array_equal(log_odds(LOGITS[:, :2])[:, 1], LOGITS[:, 1] - LOGITS[:, 0])


@pytest.mark.parametrize("scale", [1, 40, 100])
def test_log_odds_sort_where_probabilities_round_to_one(scale: int) -> None:
    others = logsumexp(scale * np.delete(LOGITS, 1, axis=1), axis=1)
    np.testing.assert_allclose(log_odds(scale * LOGITS)[:, 1], scale * LOGITS[:, 1] - others, atol=1e-9)


def test_a_very_confident_model_is_not_unsure_of_all_photos() -> None:
    """Each has a probability of 1 in float64. The three with margins from 60 on are correct, that with 50 is not."""
    logits = np.array([[0, 50], [0, 60], [0, 70], [90, 0]], np.float32)
    file = BytesIO()
    np.savez(file, logits=logits, labels=np.array([0, 1, 1, 0]))
    file.seek(0)
    fitted = fit_confidence(file, ConfidenceSettings(abstention_accuracy=0.9))
    assert fitted.least_log_odds == 60
    assert fitted.notes(logits, np.empty((4, 0))) == ["unsure", "", "", ""]


def test_a_photo_below_the_threshold_is_unsure() -> None:
    logits = np.log([[0.9, 0.1], [0.199, 0.801], [0.201, 0.799]])
    assert Confidence(least_log_odds=logit(0.8)).notes(logits, np.empty((3, 0))) == ["", "", "unsure"]
    assert not Confidence().gives_notes


def test_the_threshold_is_one_of_probabilities_after_the_temperature() -> None:
    plain = fit_confidence(file_of(), ConfidenceSettings(abstention_accuracy=0.8))
    both = fit_confidence(file_of(), ConfidenceSettings(temperature_scaling=True, abstention_accuracy=0.8))
    assert plain.least_log_odds
    assert both.least_log_odds
    for confidence in (plain, both):
        sure = [note == "" for note in confidence.notes(LOGITS.astype(np.float32), np.empty((len(LOGITS), 0)))]
        assert (LOGITS.argmax(axis=1) == LABELS)[sure].mean() == pytest.approx(0.8, abs=0.002)
    assert both.least_log_odds < logit(0.9) < plain.least_log_odds


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.7, 0.9])
def test_the_unlike_fraction_is_exact_to_the_photo(fraction: float) -> None:
    """In binary 1 - 0.7 is above 0.3, so that of ten photos only six were unlike."""
    angles = np.radians(np.arange(1, 11))
    validation = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    file = file_of(training_features=np.array([[1, 0]], np.float16), validation_features=validation)
    fitted = fit_confidence(file, ConfidenceSettings(out_of_distribution_fraction=fraction))
    assert fitted.unlike(validation).sum() == round(10 * fraction)


def test_a_photo_farther_from_the_nearest_than_all_but_a_fraction_of_validation_is_unlike() -> None:
    training = np.array([[2, 0, 0], [0, 3, 0]], np.float16)
    angles = np.radians(np.arange(1, 11))  # of ten validation photos to the first training photo
    validation = np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1).astype(np.float32)
    file = file_of(training_features=training, validation_features=validation)
    fitted = fit_confidence(file, ConfidenceSettings(out_of_distribution_fraction=0.2, abstention_accuracy=0.6))
    assert fitted.unlike(validation).tolist() == [False] * 8 + [True] * 2
    assert fitted.unlike(np.array([[0, 7, 0.1], [0, -1, 0], [1, 1, 0], [0, 0, 0]])).tolist() == [
        False,
        True,
        True,
        True,
    ]
    notes = fitted.notes(np.array([[9, 0, 0], [0.1, 0, 0], [9, 0, 0]]), validation[[0, 9, 9]])
    assert notes == ["", "unsure, unlike the training photos", "unlike the training photos"]


def test_without_features_no_photo_is_unlike() -> None:
    fitted = fit_confidence(file_of(), ConfidenceSettings(out_of_distribution_fraction=0.01))
    assert not fitted.gives_notes
    assert fitted.unlike(np.empty((2, 0))).tolist() == [False, False]


@pytest.mark.parametrize("path", ["data/models/cnn.npz", "data/repeats/cnn/cnn.1.npz"])
def test_a_missing_file_is_one_line_and_matters_only_if_it_is_asked_for(workspace: Path, path: str) -> None:
    assert read_confidence(Path(path), OFF) == Confidence()
    with pytest.raises(UserError, match=rf"^expected {path}, found none: run `dvc repro train@cnn`$"):
        read_confidence(Path(path), FITTED)
