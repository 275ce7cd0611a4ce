"""Where a model fails."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from stages.evaluation.figures import write_figure
from stages.evaluation.mistakes import draw_mistakes, find_mistakes, most_confused, outcome
from stages.evaluation.results import Predictions
from tests.conftest import write_photos
from tests.evaluation.examples import probable

CLASSES = ["a", "b", "c"]
PHOTOS = pd.DataFrame({"path": ["5", "4", "3", "2", "1"], "label": ["a", "a", "b", "c", "c"]})
PREDICTIONS = probable(
    np.array([0, 0, 1, 2, 2]),
    np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3]]),
)


def test_mistakes_come_most_confident_first_and_ties_by_path() -> None:
    assert find_mistakes(PHOTOS, PREDICTIONS, CLASSES).to_dict("list") == {
        "path": ["3", "2", "4", "1"],
        "label": ["b", "c", "a", "c"],
        "predicted": ["c", "b", "b", "b"],
        "confidence": [0.8, 0.7, 0.7, 0.6],
    }


def test_mistakes_of_a_confidence_that_rounds_to_one_are_sorted_too() -> None:
    """Margins of 20 (0.999999998), 40 and 50 (1 in float64); by path the order would be another."""
    predictions = Predictions(np.zeros(3, int), np.array([[0.0, 20, 0], [0, 50, 0], [0, 40, 0]]))
    photos = pd.DataFrame({"path": ["1", "2", "3"], "label": "a"})
    assert find_mistakes(photos, predictions, CLASSES)["path"].tolist() == ["2", "3", "1"]


def test_the_most_common_confusion_has_a_direction() -> None:
    assert most_confused(find_mistakes(PHOTOS, PREDICTIONS, CLASSES)) == ("c", "b", 2)


def end_of_line(text: str) -> np.ndarray:
    """Draw a line of text that ends at the right edge, and return the pixels of its end."""
    figure = plt.figure(figsize=(4, 1))
    figure.text(1, 0.5, text, horizontalalignment="right")
    write_figure(figure, Path("line.png"))
    return np.asarray(Image.open("line.png"))[:, -100:]


@pytest.mark.usefixtures("workspace")
def test_a_class_whose_name_is_read_from_right_to_left_stays_at_the_beginning() -> None:
    line = outcome("חתול", "dog", 0.5).splitlines()[0]
    np.testing.assert_array_equal(end_of_line(line), end_of_line("cat misclassified as dog"))


def texts(figure: Figure) -> list[str]:
    found = [axes.get_title().replace("\n", " ") for axes in figure.axes if axes.get_title()]
    found += [figure.get_suptitle(), *(text.get_text() for text in figure.texts)]
    plt.close(figure)
    return found


def test_the_figure_shows_at_most_a_dozen_photos_and_says_of_how_many(workspace: Path) -> None:
    write_photos(workspace, 13)
    mistakes = pd.DataFrame({"path": [f"{number}.jpg" for number in range(13)]})
    mistakes = mistakes.assign(label="a", predicted="b", confidence=0.9)
    some, few, one = (texts(draw_mistakes("cnn", mistakes.head(count))) for count in (13, 2, 1))
    assert some.count("a misclassified as b confidence 0.900") == 12
    assert some[12] == "cnn: the 12 most confident of 13 mistakes on the test photos"
    assert few[2] == "cnn: all 2 mistakes on the test photos"
    assert one[1] == "cnn: the only mistake on the test photos"


def test_the_figure_holds_thumbnails(workspace: Path) -> None:
    Image.new("RGB", (1100, 20)).save("large.png")
    mistakes = pd.DataFrame([{"path": "large.png", "label": "a", "predicted": "b", "confidence": 0.9}])
    figure = draw_mistakes("cnn", mistakes)
    assert figure.axes[0].images[0].get_size() == (9, 512)
    plt.close(figure)


def test_a_model_without_mistakes_has_a_figure_that_says_so() -> None:
    first = Predictions(PREDICTIONS.labels[:1], PREDICTIONS.logits[:1])
    none = find_mistakes(PHOTOS.head(1), first, CLASSES)
    assert "none: every test photo is classified correctly" in texts(draw_mistakes("cnn", none))
