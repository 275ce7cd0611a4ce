"""Accuracy on the photos that a model is surest of."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import logit

from stages.evaluation.coverage import describe_coverage, draw_coverage, score_unsure
from stages.evaluation.results import Predictions
from stages.inference.confidence import accuracy_by_coverage
from tests.evaluation.examples import evaluation_of, two_classes

# From the most confident on: correct, wrong, correct, correct.
PREDICTIONS = two_classes(np.array([1, 1, 0, 1]), np.array([0.6, 0.95, 0.9, 0.8]))


def test_accuracy_is_that_of_the_most_confident_photos() -> None:
    curve = accuracy_by_coverage(PREDICTIONS.confidence, PREDICTIONS.correct)
    assert curve.index.tolist() == pytest.approx([0.95, 0.9, 0.8, 0.6])
    assert curve["coverage"].tolist() == [0.25, 0.5, 0.75, 1]
    assert curve["accuracy"].tolist() == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4])
    assert describe_coverage(evaluation_of("cnn", PREDICTIONS)).startswith("On the 50% of the test photos")


def test_photos_of_equal_confidence_count_together_whatever_their_order() -> None:
    labels = np.array([1, 0, 1])
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        predictions = two_classes(labels[order], np.array([0.9, 0.9, 0.8])[order])
        curve = accuracy_by_coverage(predictions.confidence, predictions.correct)
        assert curve["coverage"].tolist() == pytest.approx([2 / 3, 1])
        assert curve["accuracy"].tolist() == pytest.approx([1 / 2, 2 / 3])
        assert "On the 67% of the test photos" in describe_coverage(evaluation_of("cnn", predictions))


def test_photos_of_a_confidence_that_rounds_to_one_are_told_apart() -> None:
    """The two with margins of 60 and 80 are correct, of those with 40 one is."""
    logits = np.array([[0.0, 40], [40, 0], [0, 60], [0, 80]])
    evaluation = evaluation_of("cnn", Predictions(np.array([0, 0, 1, 1]), logits))
    assert describe_coverage(evaluation).startswith("On the 50% of the test photos that `cnn` is surest of, its accu")
    assert score_unsure(50, evaluation.predictions)["coverage"] == 0.5
    assert score_unsure(50, evaluation.predictions)["sure_accuracy"] == 1


def test_the_figure_shows_a_model_that_is_equally_sure_of_all_photos() -> None:
    collapsed = two_classes(np.array([1, 0] * 10), np.full(20, 0.8))
    figure = draw_coverage([evaluation_of("cnn", collapsed)])
    [line] = figure.axes[0].lines
    assert np.asarray(line.get_xydata()).tolist() == [[1, 0.5]]
    assert line.get_marker() == "."
    plt.close(figure)


def test_the_figure_has_a_line_per_model_which_ends_at_its_accuracy_and_a_point_at_its_threshold() -> None:
    sure = evaluation_of("sure", PREDICTIONS)
    sure.scores["confidence"] = score_unsure(logit(0.85), PREDICTIONS)
    wrong = Predictions(1 - PREDICTIONS.labels, PREDICTIONS.logits)
    figure = draw_coverage([evaluation_of("plain", wrong), sure])
    plain, line, point = figure.axes[0].lines
    assert [plain.get_label(), line.get_label()] == ["plain", "sure"]
    assert np.asarray(plain.get_xydata())[-1].tolist() == [1, 0.25]
    assert np.asarray(line.get_xydata())[-1].tolist() == [1, 0.75]
    assert np.asarray(point.get_xydata()).tolist() == [[0.5, 0.5]]
    plt.close(figure)
