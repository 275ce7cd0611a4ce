"""Whether a model is right as often as it says."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from stages.evaluation.calibration import calibration_error, describe_calibration, draw_calibration, reliability

# Fifteenths: 0.62 and 0.65 share the tenth bin (9/15 = 0.6 to 10/15 = 0.667), 0.9 is in the fourteenth.
PROBABILITIES = np.array([[0.62, 0.38], [0.35, 0.65], [0.9, 0.1], [0.1, 0.9]])
LABELS = np.array([0, 0, 0, 1])


def test_photos_are_binned_by_the_probability_of_the_class_given() -> None:
    bins = reliability(LABELS, PROBABILITIES)
    assert bins.index.tolist() == [9, 13]
    assert bins["photos"].tolist() == [2, 2]
    assert bins["confidence"].tolist() == pytest.approx([0.635, 0.9])
    assert bins["accuracy"].tolist() == [0.5, 1.0]


def test_the_calibration_error_is_the_mean_distance_weighted_by_photos() -> None:
    assert calibration_error(LABELS, PROBABILITIES) == pytest.approx((2 * 0.135 + 2 * 0.1) / 4)
    assert calibration_error(LABELS[:3], PROBABILITIES[:3]) == pytest.approx((2 * 0.135 + 0.1) / 3)


def test_certainty_that_is_always_right_has_no_calibration_error() -> None:
    assert calibration_error(np.array([0, 1]), np.eye(2)) == 0
    assert calibration_error(np.array([1, 0]), np.eye(2)) == 1


def test_a_bin_includes_its_upper_end() -> None:
    assert reliability(np.array([0]), np.array([[0.6, 0.4]])).index.tolist() == [8]


def test_a_model_that_is_surer_than_right_is_called_too_sure() -> None:
    sure = np.tile([0.9, 0.1], (4, 1))
    assert "right on 0.750, so too sure of itself" in describe_calibration(LABELS, sure)
    assert "right on 1.000, so not too sure of itself" in describe_calibration(np.zeros(4, int), sure)


@pytest.mark.parametrize("models", [1, 2, 3, 7])
def test_every_model_has_a_diagram_and_its_counts(models: int) -> None:
    figure = draw_calibration(LABELS, {f"model{number}": PROBABILITIES for number in range(models)})
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title().split(":")[0] for axes in shown if axes.get_title()] == [
        f"model{number}" for number in range(models)
    ]
    assert sum([text.get_text() for text in axes.texts] == ["2", "2"] for axes in shown) == models
    plt.close(figure)
