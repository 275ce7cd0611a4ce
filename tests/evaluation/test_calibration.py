"""Calibration: the bins, the expected calibration error, and what is said of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from stages.evaluation.calibration import calibration_error, describe_calibration, draw_calibration, reliability
from stages.evaluation.results import Predictions
from tests.evaluation.examples import evaluation_of, two_classes

# Fifteenths: 0.62 and 0.65 share the tenth bin (9/15 = 0.6 to 10/15 = 0.667), 0.9 is in the fourteenth.
PREDICTIONS = two_classes(np.array([0, 0, 0, 1]), np.array([0.38, 0.65, 0.1, 0.9]))


def test_photos_are_binned_by_confidence() -> None:
    bins = reliability(PREDICTIONS)
    assert bins.index.tolist() == [9, 13]
    assert bins["photos"].tolist() == [2, 2]
    assert bins["confidence"].tolist() == pytest.approx([0.635, 0.9])
    assert bins["accuracy"].tolist() == [0.5, 1.0]


def test_a_bin_includes_its_upper_end() -> None:
    assert reliability(two_classes(np.array([0]), np.array([0.4]))).index.tolist() == [8]


def test_the_calibration_error_is_the_mean_distance_weighted_by_photos() -> None:
    first = Predictions(PREDICTIONS.labels[:3], PREDICTIONS.logits[:3])
    assert calibration_error(PREDICTIONS) == pytest.approx((2 * 0.135 + 2 * 0.1) / 4)
    assert calibration_error(first) == pytest.approx((2 * 0.135 + 0.1) / 3)


def test_full_confidence_has_no_calibration_error_where_it_is_always_correct() -> None:
    assert calibration_error(Predictions(np.array([0, 1]), 40 * np.eye(2))) == 0
    assert calibration_error(Predictions(np.array([1, 0]), 40 * np.eye(2))) == 1


@pytest.mark.parametrize(
    ("correct", "verdict", "place"),  # Wilson's intervals of 75, 83, 94 and 99 of 100
    [
        (75, "overconfident", "above the 95 % confidence interval of its accuracy (0.657 to 0.825)"),
        (83, "well calibrated on average, as far as 100 photos can tell", "within the 95 % confidence interval of"),
        (94, "well calibrated on average, as far as 100 photos can tell", "within the 95 % confidence interval of"),
        (99, "underconfident", "below the 95 % confidence interval of its accuracy (0.946 to 0.998)"),
    ],
)
def test_mean_confidence_beyond_the_confidence_interval_of_the_accuracy_is_called_miscalibrated(
    correct: int, verdict: str, place: str
) -> None:
    labels = np.arange(100) % 2
    confidence = np.where(np.arange(100) < correct, 0.89, 0.11)  # in the true class: 0.89 in the predicted one
    evaluation = evaluation_of("cnn", two_classes(labels, np.where(labels == 1, confidence, 1 - confidence)))
    text = describe_calibration(evaluation)
    assert text.startswith(f"`cnn` is {verdict}: its mean confidence of 0.890 is {place}")
    assert f"(ECE, 15 bins) is {abs(0.89 - correct / 100):.3f};" in text


@pytest.mark.parametrize("models", [1, 2, 3, 7])
def test_every_model_has_a_diagram_and_its_counts(models: int) -> None:
    of_models = [Predictions(PREDICTIONS.labels, PREDICTIONS.logits / (1 + number)) for number in range(models)]
    assert len({calibration_error(predictions) for predictions in of_models}) == models
    figure = draw_calibration([evaluation_of(f"model{number}", each) for number, each in enumerate(of_models)])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown if axes.get_title()] == [
        f"model{number}: ECE {calibration_error(each):.3f}" for number, each in enumerate(of_models)
    ]
    points = [axes.lines[-1].get_xydata() for axes in shown if axes.get_title()]
    for drawn, each in zip(points, of_models, strict=True):
        np.testing.assert_array_equal(drawn, reliability(each)[["confidence", "accuracy"]])
    counts = sorted([text.get_text() for text in axes.texts] for axes in shown if not axes.get_title())
    assert counts == sorted([str(count) for count in reliability(each)["photos"]] for each in of_models)
    plt.close(figure)
