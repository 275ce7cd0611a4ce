"""The charts of the plots page, drawn by the project's templates as DVC fills them in; test_pages.py opens it."""

import json
import re

import pandas as pd
import pytest
import vl_convert

from stages.evaluation.figures import COLOURS
from stages.evaluation.scores import learning_curves
from tests.conftest import PROJECT
from tests.evaluation.test_scores import HISTORY, SELECTED


def draw(template: str, rows: pd.DataFrame, x: str, y: str) -> str:
    text = (PROJECT / f".dvc/plots/{template}.json").read_text()
    text = text.replace('"<DVC_METRIC_DATA>"', rows.astype(str).replace("nan", "").to_json(orient="records"))
    text = re.sub("<DVC_METRIC_([XY])(_LABEL)?>", lambda match: x if match[1] == "X" else y, text)
    return str(vl_convert.vegalite_to_svg(json.loads(text)))


def confusion_chart(labels: list[int], predicted: list[int]) -> str:
    rows = pd.DataFrame({"actual": labels, "predicted": predicted}).map("c{}".format).assign(rev="HEAD")
    return draw("confusion", rows, "predicted", "actual")


def test_the_chart_of_thirty_classes_is_the_whole_matrix() -> None:
    chart = confusion_chart([*range(30), 7], [*range(30), 9])
    assert all(chart.count(f">c{index}</text>") == 2 for index in range(30))
    assert re.findall(r'"text mark"[^>]*>(\d+)</text>', chart) == ["1"] * 31
    assert "confusions of" not in chart


def test_the_chart_of_many_classes_has_their_confusions() -> None:
    """Of each of 1,000 classes one photo is correct and one wrong; of class 700, three are wrong."""
    labels = [*range(1000), *range(1000), 700, 700]
    chart = confusion_chart(labels, [*range(1000), *((index + 1) % 1000 for index in range(1000)), 3, 3])
    assert "the 15 most common confusions of 1000 classes" in chart
    assert ">c700</text>" in chart
    assert ">c3</text>" in chart
    assert len(chart) < 200_000


@pytest.mark.parametrize(("history", "points"), [(HISTORY, 0), (SELECTED, 1), (HISTORY[:1], 2)])
def test_the_plots_page_marks_the_selected_epoch(history: pd.DataFrame, points: int) -> None:
    svg = draw("curves", learning_curves(history).assign(model="cnn", rev="workspace"), "epoch", "accuracy")
    assert len(re.findall(r'aria-roledescription="point"[^>]* d="[^"]*A', svg)) == points  # circles
    assert svg.count('aria-roledescription="line mark"') == 2
    assert f"epoch: 1; accuracy: {history['val_accuracy'][0]}; model: cnn; split: validation" in svg


@pytest.mark.parametrize(
    ("template", "dashes"), [("curves", {"training": ["3,3"], "validation": ["1,0"]}), ("roc", {"": []})]
)
def test_a_model_has_its_colour_in_every_chart(template: str, dashes: dict[str, list[str]]) -> None:
    """Training is dashed."""
    colours = {f"model{index}": colour for index, colour in enumerate(COLOURS)}
    rows = [{"x": x, "y": x, "model": model, "split": split} for model in colours for split in dashes for x in (0, 1)]
    drawn = draw(template, pd.DataFrame(rows).assign(rev="HEAD"), "x", "y")
    lines = re.findall(r'aria-label="([^"]+)"[^>]*"line mark"([^>]*)>', drawn)
    assert len(lines) == len(colours) * len(dashes)
    for label, style in lines:
        [model], split = re.findall("model: ([^;]+)", label), "".join(re.findall("split: ([^;]+)", label))
        assert re.findall('stroke="([^"]+)"', style) == [colours[model]]
        assert re.findall('stroke-dasharray="([^"]+)"', style) == dashes[split]


def test_two_revisions_have_the_same_colours_side_by_side() -> None:
    curves, revisions = learning_curves(HISTORY), ["HEAD~1", "HEAD"]
    rows = pd.concat(curves.assign(model=name, rev=rev) for rev in revisions for name in ("cnn", "linear"))
    svg = draw("curves", rows, "epoch", "accuracy")
    assert re.findall(r">(HEAD[^<]*)</text>", svg) == revisions
    assert svg.count('aria-roledescription="line mark"') == 2 * 2 * 2
    assert set(re.findall(r'"line mark"[^>]* stroke="([^"]+)"', svg)) == set(COLOURS[:2])
