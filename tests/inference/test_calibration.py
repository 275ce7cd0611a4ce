"""Temperature and thresholds, fitted on validation photos."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import logit, logsumexp, softmax
from sklearn.metrics import log_loss

from stages.common.params import ConfidenceSettings
from stages.inference.calibration import (
    Calibration,
    distance_to_nearest,
    fit_calibration,
    fit_temperature,
    log_odds,
    normalize,
)
from tests.conftest import less_memory_than

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(3000, 3)) * 2
# Drawn with the probabilities of a temperature of 2.5, whatever the logits say.
LABELS = np.array([RNG.choice(3, p=row) for row in softmax(LOGITS / 2.5, axis=1)])


def arrays_of(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    """What `train` writes about the validation photos."""
    return {"logits": LOGITS.astype(np.float32), "labels": LABELS, **arrays}


def test_the_temperature_has_the_lowest_log_loss() -> None:
    """Of scikit-learn, minimised by SciPy."""
    temperature = fit_temperature(LOGITS, LABELS)
    assert temperature == pytest.approx(2.5, abs=0.25)
    lowest = minimize_scalar(lambda tried: log_loss(LABELS, softmax(LOGITS / tried, axis=1)), bounds=(0.1, 10))
    assert temperature == pytest.approx(lowest.x, abs=1e-3)
    np.testing.assert_allclose(Calibration(temperature).probabilities(LOGITS), softmax(LOGITS / temperature, axis=1))


def test_a_temperature_is_fitted_where_it_is_asked_for() -> None:
    """It is 1 without a mistake."""
    assert fit_temperature(LOGITS, LOGITS.argmax(axis=1)) == 1
    fitted = fit_calibration(arrays_of(), ConfidenceSettings(temperature_scaling=True))
    assert fitted.temperature == pytest.approx(fit_temperature(LOGITS, LABELS), abs=1e-4)
    assert fit_calibration(arrays_of(), ConfidenceSettings(temperature_scaling=False)) == Calibration()


MIXED = [8, 9, 8, 8, 6, 5, 4], [1, 1, 0, 1, 0, 1, 0]  # correct: 1 of 1, 3 of 4, 3 of 5, 4 of 6, 4 of 7


@pytest.mark.parametrize(
    ("margins", "labels", "accuracy", "threshold"),
    [
        *((*MIXED, *expected) for expected in [(0.999, 9), (0.75, 8), (0.66, 5), (0.6, 5), (0.5, 4)]),
        ([9, 9, 8], [1, 0, 1], 0.9, math.inf),  # where the surest is wrong, the model is unsure of every photo
        ([50, 60, 70, -90], [0, 1, 1, 0], 0.9, 60),  # each has a probability of 1 in float64
    ],
)
def test_the_threshold_is_the_lowest_with_this_accuracy(
    margins: list[int], labels: list[int], accuracy: float, threshold: float
) -> None:
    logits = np.array([[0, margin] for margin in margins], np.float32)
    arrays = arrays_of(logits=logits, labels=np.array(labels))
    fitted = fit_calibration(arrays, ConfidenceSettings(abstention_accuracy=accuracy))
    assert fitted.log_odds_threshold == threshold
    assert fitted.notes(logits, None) == ["" if abs(margin) >= threshold else "unsure" for margin in margins]


@pytest.mark.parametrize("scale", [1, 40, 100])
def test_log_odds_sort_where_probabilities_round_to_one(scale: int) -> None:
    others = logsumexp(scale * np.delete(LOGITS, 1, axis=1), axis=1)
    np.testing.assert_allclose(log_odds(scale * LOGITS)[:, 1], scale * LOGITS[:, 1] - others, atol=1e-9)


def test_the_threshold_is_one_after_the_temperature() -> None:
    plain = fit_calibration(arrays_of(), ConfidenceSettings(abstention_accuracy=0.8))
    both = fit_calibration(arrays_of(), ConfidenceSettings(temperature_scaling=True, abstention_accuracy=0.8))
    assert plain.log_odds_threshold
    assert both.log_odds_threshold
    for fitted in (plain, both):
        sure = [note == "" for note in fitted.notes(LOGITS.astype(np.float32), None)]
        assert (LOGITS.argmax(axis=1) == LABELS)[sure].mean() == pytest.approx(0.8, abs=0.002)
    assert both.log_odds_threshold < logit(0.9) < plain.log_odds_threshold


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.3, 0.7, 0.9])
def test_the_unlike_fraction_is_exact_to_the_photo(fraction: float) -> None:
    """In binary 1 - 0.7 is above 0.3, so that of ten photos only six were unlike."""
    training = np.array([[2, 0, 0], [0, 3, 0]], np.float16)
    angles = np.radians(np.arange(1, 11))  # of ten validation photos to the first training photo
    validation = np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1).astype(np.float32)
    arrays = arrays_of(training_features=training, validation_features=validation)
    fitted = fit_calibration(arrays, ConfidenceSettings(out_of_distribution_fraction=fraction, abstention_accuracy=0.6))
    count = round(10 * fraction)
    assert fitted.out_of_distribution(validation).tolist() == [False] * (10 - count) + [True] * count
    others = np.array([[0, 7, 0.01], [0, -1, 0], [1, 1, 0], [0, 0, 0]])
    assert fitted.out_of_distribution(others).tolist() == [False, True, True, True]
    notes = fitted.notes(np.array([[9, 0, 0], [0.1, 0, 0], [9, 0, 0]]), np.stack([validation[0], *[others[1]] * 2]))
    assert notes == ["", "unsure, unlike the training photos", "unlike the training photos"]


def test_without_features_no_photo_is_unlike() -> None:
    fitted = fit_calibration(arrays_of(), ConfidenceSettings(out_of_distribution_fraction=0.01))
    assert not fitted.gives_notes
    assert fitted.notes(LOGITS[:2], None) == ["", ""]


@pytest.mark.parametrize("scale", [1, 10_000])
def test_the_distance_is_one_minus_the_cosine_to_the_nearest(scale: int) -> None:
    """Also where the square of a feature is beyond float16."""
    training = normalize(scale * np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float16))
    assert training.tolist() == [[1, 0], [0, 1], [0, 0]]
    features = scale * np.array([[3, 0], [1, 1], [0, 0], [-1, -1]], np.float16)
    np.testing.assert_allclose(distance_to_nearest(features, training), [0, 1 - 0.5**0.5, 1, 1], atol=1e-6)


def test_distances_take_no_memory_that_grows_with_the_photos() -> None:
    training, features = np.eye(2000, 8, dtype=np.float32), np.ones((20_000, 8), np.float32)
    with less_memory_than(20_000 * 2000 * 4 / 10):
        distances = distance_to_nearest(features, training)
    np.testing.assert_allclose(distances, 1 - 8**-0.5, atol=1e-6)
