import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.predict.formats import FORMATS, Prediction, columns, printable

CLASSES = ["ants", "bees, wasps", "Kühe"]
PREDICTIONS = [
    Prediction(Path("new/1.jpg"), np.array([0.25, 0.5, 0.25])),
    Prediction(Path('a "quoted", name.jpg'), np.array([0.1234567, 0.0, 0.8765433])),
]
ROWS: list[list[Any]] = [
    ["new/1.jpg", "bees, wasps", 0.5, 0.25, 0.5, 0.25],
    ['a "quoted", name.jpg', "Kühe", 0.876543, 0.123457, 0.0, 0.876543],
]


def text(name: str, predictions: list[Prediction]) -> str:
    paths = [Path(prediction.path) for prediction in predictions] or [Path("notes.txt")]
    layout = FORMATS[name](CLASSES, paths)
    return layout.header + layout.separator.join(map(layout.row, predictions)) + layout.footer


def test_a_row_holds_the_most_probable_class_and_every_probability() -> None:
    assert [prediction.row(CLASSES) for prediction in PREDICTIONS] == ROWS
    names = ["path", "class", "probability", "probability_ants", "probability_bees, wasps", "probability_Kühe"]
    assert columns(CLASSES) == names


def test_csv_is_read_back_as_it_was_written() -> None:
    header, *rows = csv.reader(text("csv", PREDICTIONS).splitlines())
    assert header == columns(CLASSES)
    assert [[*row[:2], *map(float, row[2:])] for row in rows] == ROWS


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_is_a_list_of_objects(count: int) -> None:
    written = text("json", PREDICTIONS[:count])
    assert json.loads(written) == [dict(zip(columns(CLASSES), row, strict=True)) for row in ROWS[:count]]
    assert written.count("\n{") == count


def test_the_table_has_path_class_and_probability_in_columns() -> None:
    assert text("table", PREDICTIONS).splitlines() == [
        "path                  class        probability",
        "new/1.jpg             bees, wasps        0.500",
        'a "quoted", name.jpg  Kühe               0.877',
    ]


def test_a_name_that_is_not_utf8_is_escaped() -> None:
    assert printable(Path("caf\udce9.jpg")) == r"caf\xe9.jpg"
    assert printable(Path("café.jpg")) == "café.jpg"
