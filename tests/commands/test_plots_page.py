import json
from pathlib import Path

import vl_convert


def confusion_chart(labels: list[int], predicted: list[int]) -> str:
    """Draw photos by the project's template, as DVC fills it in."""
    rows = [{"actual": f"c{a}", "predicted": f"c{p}", "rev": "HEAD"} for a, p in zip(labels, predicted, strict=True)]
    text = Path(__file__).parents[2].joinpath(".dvc/plots/confusion.json").read_text()
    text = text.replace('"<DVC_METRIC_DATA>"', json.dumps(rows))
    for name in ("X", "Y"):
        text = text.replace(f"<DVC_METRIC_{name}>", "predicted" if name == "X" else "actual")
    return str(vl_convert.vegalite_to_svg(text))


def test_the_chart_of_thirty_classes_is_the_whole_matrix() -> None:
    chart = confusion_chart([*range(30), 7], [*range(30), 9])
    assert all(chart.count(f">c{index}</text>") == 2 for index in range(30))
    assert "confusions of" not in chart


def test_the_chart_of_many_classes_has_their_confusions() -> None:
    """Of each of 1,000 classes one photo is correct and one wrong; of class 700, three are wrong."""
    labels = [*range(1000), *range(1000), 700, 700]
    chart = confusion_chart(labels, [*range(1000), *((index + 1) % 1000 for index in range(1000)), 3, 3])
    assert "the 15 most common confusions of 1000 classes" in chart
    assert ">c700</text>" in chart
    assert ">c3</text>" in chart
    assert len(chart) < 200_000
