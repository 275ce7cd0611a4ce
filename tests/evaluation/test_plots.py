"""What the figures of `evaluate` show."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from scipy.special import logit

from stages.evaluation import plots
from stages.evaluation.figures import COLOURS
from stages.evaluation.plots import draw_accuracy, draw_calibration, draw_confusion, draw_coverage, draw_mistakes
from stages.evaluation.results import Predictions
from stages.evaluation.scores import calibration_error, reliability, score_calibration
from stages.inference.calibration import Calibration
from tests.conftest import PROJECT, write_photos
from tests.evaluation.examples import as_test_set, classified, evaluation_of, photos_of, two_classes

# From the most confident on: correct, wrong, correct, correct.
PREDICTIONS = two_classes(np.array([1, 1, 0, 1]), np.array([0.6, 0.95, 0.9, 0.8]))


def test_the_accuracy_curve_marks_the_selected_epoch() -> None:
    history = pd.DataFrame({"epoch": [1, 2], "accuracy": [0.5, 0.7], "val_accuracy": [0.4, 0.6]})
    assert len(draw_accuracy("cnn", history).axes[0].lines) == 2
    [axes] = draw_accuracy("linear", history[:1]).axes
    assert [line.get_marker() for line in axes.lines] == ["o", "o"]
    assert axes.get_xticks().tolist() == [1]
    assert max(axes.get_ylim()) == 1
    _, _, point = draw_accuracy("cnn", history.assign(kept=[True, np.nan])).axes[0].lines
    np.testing.assert_array_equal(point.get_xydata(), [[1, 0.4]])


def test_no_line_runs_behind_the_legend_of_accuracy() -> None:
    """Wherever a flat one lies."""
    history = pd.DataFrame({"epoch": range(1, 5), "accuracy": 0.9, "val_accuracy": [0.4, 0.7, 0.7, 0.7]})
    figure = draw_accuracy("cnn", history.assign(kept=[np.nan, True, np.nan, np.nan]))
    figure.draw_without_rendering()
    [legend], [axes] = figure.legends, figure.axes
    assert figure.bbox.x0 < legend.get_window_extent().x0 < legend.get_window_extent().x1 < figure.bbox.x1
    assert legend.get_window_extent().y1 < axes.get_window_extent().y0


@pytest.mark.parametrize("models", [1, 2, 3, 7])
def test_every_model_has_a_reliability_diagram_and_counts(models: int) -> None:
    scaled = [PREDICTIONS._replace(logits=PREDICTIONS.logits / (1 + index)) for index in range(models)]
    of_models = [photos_of(predictions) for predictions in scaled]
    errors = [calibration_error(photos) for photos in of_models]
    assert len(set(errors)) == models
    figure = draw_calibration([evaluation_of(f"model{index}", each) for index, each in enumerate(scaled)])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    diagrams = [axes for axes in shown if axes.get_title()]
    assert [axes.get_title() for axes in diagrams] == [f"model{i}: ECE {error:.3f}" for i, error in enumerate(errors)]
    for axes, each in zip(diagrams, of_models, strict=True):
        np.testing.assert_array_equal(axes.lines[-1].get_xydata(), reliability(each)[["confidence", "accuracy"]])
    counts = sorted([text.get_text() for text in axes.texts] for axes in shown if not axes.get_title())
    assert counts == sorted([str(count) for count in reliability(each)["photos"]] for each in of_models)


def test_a_model_equally_sure_of_all_photos_is_a_point() -> None:
    collapsed = two_classes(np.array([1, 0] * 10), np.full(20, 0.8))
    [line] = draw_coverage([evaluation_of("cnn", collapsed)]).axes[0].lines
    assert np.asarray(line.get_xydata()).tolist() == [[1, 0.5]]
    assert line.get_marker() == "."


def test_coverage_has_a_line_per_model_and_a_point_per_threshold() -> None:
    """A line ends at the model's accuracy."""
    sure, threshold = evaluation_of("sure", PREDICTIONS), Calibration(log_odds_threshold=logit(0.85))
    sure.scores["confidence"] = score_calibration(threshold, sure.photos, PREDICTIONS, None)
    wrong = Predictions(1 - PREDICTIONS.labels, PREDICTIONS.logits)
    plain, line, point = draw_coverage([evaluation_of("plain", wrong), sure]).axes[0].lines
    assert [plain.get_label(), line.get_label()] == ["plain", "sure"]
    assert np.asarray(plain.get_xydata())[-1].tolist() == [1, 0.25]
    assert np.asarray(line.get_xydata())[-1].tolist() == [1, 0.75]
    assert np.asarray(point.get_xydata()).tolist() == [[0.5, 0.5]]


def test_the_confusion_matrix_counts_and_shortens_long_names() -> None:
    names = [f"Aston Martin V8 Vantage {body} 2012" for body in ("Convertible", "Coupe")]
    photos = photos_of(classified([[5, 2], [0, 3]])).replace(["cats", "dogs"], names)
    axes = draw_confusion("one", photos, names).axes[0]
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "5", (1, 0): "2", (1, 1): "3"}
    fractions_of_a_row = np.array(axes.images[0].get_array())
    np.testing.assert_allclose(fractions_of_a_row * [[7], [3]], [[5, 2], [0, 3]])
    declared = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]["evaluate"]["plots"]
    [chart] = [plot["plots/confusion"] for plot in declared if "plots/confusion" in plot]
    assert axes.get_xlabel() == chart["x_label"] == "predicted class"
    assert axes.get_ylabel() == chart["y_label"] == "true class"
    short_names = ["Aston Marti…ertible 2012", "Aston Marti…e Coupe 2012"]
    assert [label.get_text() for label in axes.get_yticklabels()] == short_names


def test_many_classes_show_the_most_confused_and_say_so() -> None:
    """Class 41 is often predicted for class 70; beside it, each class is predicted once for the one before it.

    Of pairs confused once, those with class 41 or 70 come first, and that with class 0, which has one mistake, last.
    """
    confusion = np.diag(np.full(200, 3)) + np.eye(200, k=1, dtype=int)
    confusion[70, 41] = 2
    predictions = classified(confusion.tolist())
    names = as_test_set(predictions).classes
    figure = draw_confusion("one", photos_of(predictions), names)
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == [*names[1:25], *names[40:43], *names[69:72]]
    assert [label.get_text() for label in axes.get_yticklabels()] == labels
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown[labels.index("species 041"), labels.index("species 070")] == "2"
    assert "30 most confused of 200 classes" in axes.get_title()
    assert "29 of 201 mistakes (all: plots/confusion/one.csv)" in axes.get_title()


@pytest.mark.parametrize("classes", [30, 31, 1000])
def test_a_confusion_matrix_has_at_most_thirty_classes(classes: int) -> None:
    """Also without mistakes."""
    labels = np.arange(classes)
    predictions = Predictions(labels, np.eye(classes))
    figure = draw_confusion("one", photos_of(predictions), as_test_set(predictions).classes)
    assert len(figure.axes[0].get_xticks()) == len(figure.axes[0].texts) == 30
    assert (figure.axes[0].get_title() == "one: test photos") == (classes == 30)
    assert max(figure.get_size_inches()) < 12


def test_the_lines_and_the_legend_of_many_models() -> None:
    """No two lines look alike, and the legend is inside its figure."""
    models = [evaluation_of(f"model{index}", PREDICTIONS) for index in range(plots.MAX_MODELS)]
    lines = draw_coverage(models).axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == plots.MAX_MODELS
    assert {line.get_linestyle() for line in lines[: len(COLOURS)]} == {"-"}
    for model in models:
        model.scores["confidence"] = {"coverage": 0.5, "sure_accuracy": 0.75}
    figure = draw_coverage(models)
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert legend.get_window_extent().height < figure.bbox.height
    assert len(legend.get_texts()) == 2 * plots.MAX_MODELS


PATHS = [f"{index}.jpg" for index in range(13)]
MISTAKES = pd.DataFrame({"path": PATHS, "label": "a", "predicted": "b", "confidence": 0.9})


def texts(figure: Figure) -> list[str]:
    titles = [axes.get_title().replace("\n", " ") for axes in figure.axes if axes.get_title()]
    return [*titles, figure.get_suptitle(), *(text.get_text() for text in figure.texts)]


def test_at_most_a_dozen_mistakes_are_drawn_and_counted(workspace: Path) -> None:
    """As thumbnails, or none at all."""
    write_photos(workspace, 13)
    Image.new("RGB", (1100, 20)).save("0.jpg")
    figures = [draw_mistakes("cnn", MISTAKES.head(count)) for count in (13, 2, 1, 0)]
    some, few, one, none = map(texts, figures)
    assert some.count("a misclassified as b confidence 0.900") == 12
    assert some[12] == "cnn: the 12 most confident of 13 mistakes on the test photos"
    assert few[2] == "cnn: 2 mistakes on the test photos"
    assert one[1] == "cnn: 1 mistake on the test photos"
    assert "cnn: no mistakes on the test photos" in none
    assert figures[2].axes[0].images[0].get_size() == (9, 512)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (5, 4, 2)])
def test_few_photos_take_no_empty_columns(workspace: Path, count: int, columns: int, rows: int) -> None:
    """And the title is not cut off."""
    write_photos(workspace, count)
    figure = draw_mistakes("a_model_with_quite_a_long_name", MISTAKES.head(count))
    grid = figure.axes[0].get_gridspec()
    assert grid
    assert grid.get_geometry() == (rows, columns)
    figure.draw_without_rendering()
    [title] = [text for text in figure.findobj(Text) if text.get_text() == figure.get_suptitle()]
    assert figure.bbox.x0 <= title.get_window_extent().x0 <= title.get_window_extent().x1 <= figure.bbox.x1
