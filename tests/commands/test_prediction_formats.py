import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands.prediction_formats import FORMATS, columns, row_values
from stages.common.cli import printable, shown
from stages.inference.predictor import Prediction

CLASSES = ["ants", "bees, wasps", "Kühe"]
PATHS = [Path("new/1.jpg"), Path('a "quoted", name.jpg')]
ROWS: list[list[Any]] = [
    ["new/1.jpg", "bees, wasps", 0.5, 0.25, 0.5, 0.25],
    ['a "quoted", name.jpg', "Kühe", 0.876543, 0.123457, 0.0, 0.876543],
]


def test_a_row_holds_the_most_probable_class_and_every_probability() -> None:
    assert row_values(PATHS[0], Prediction(np.array([0.25, 0.5, 0.25])), CLASSES) == ROWS[0]
    assert row_values(PATHS[1], Prediction(np.array([0.1234567, 0.0, 0.8765433])), CLASSES) == ROWS[1]
    names = ["path", "class", "probability", "probability_ants", "probability_bees, wasps", "probability_Kühe"]
    assert columns(CLASSES) == names


def test_csv_is_read_back_as_it_was_written() -> None:
    header, *rows = csv.reader("".join(FORMATS["csv"](CLASSES, PATHS, ROWS)).splitlines())
    assert header == columns(CLASSES)
    assert [[*row[:2], *map(float, row[2:])] for row in rows] == ROWS


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_is_a_list_of_objects(count: int) -> None:
    written = "".join(FORMATS["json"](CLASSES, PATHS, ROWS[:count]))
    assert json.loads(written) == [dict(zip(columns(CLASSES), row, strict=True)) for row in ROWS[:count]]
    assert written.count("\n{") == count


def test_the_table_has_path_class_and_probability_in_columns() -> None:
    assert list(FORMATS["table"](CLASSES, PATHS, ROWS)) == [
        "path                  class        probability\n",
        "new/1.jpg             bees, wasps        0.500\n",
        'a "quoted", name.jpg  Kühe               0.877\n',
    ]


def test_a_note_stands_beside_the_probability_in_every_format() -> None:
    predictions = [Prediction(np.array(row[3:]), note) for row, note in zip(ROWS, ["unsure", ""], strict=True)]
    rows = [row_values(path, prediction, CLASSES) for path, prediction in zip(PATHS, predictions, strict=True)]
    names = columns(CLASSES, has_notes=True)
    assert names[:4] == ["path", "class", "probability", "note"]
    assert [row[:4] for row in rows] == [["new/1.jpg", "bees, wasps", 0.5, "unsure"], [*ROWS[1][:3], ""]]
    assert list(FORMATS["table"](CLASSES, PATHS, rows, has_notes=True)) == [
        "path                  class        probability  note\n",
        "new/1.jpg             bees, wasps        0.500  unsure\n",
        'a "quoted", name.jpg  Kühe               0.877\n',
    ]
    header, *lines = csv.reader("".join(FORMATS["csv"](CLASSES, PATHS, rows, has_notes=True)).splitlines())
    assert (header, [line[3] for line in lines]) == (names, ["unsure", ""])
    written = "".join(FORMATS["json"](CLASSES, PATHS, rows, has_notes=True))
    assert json.loads(written) == [dict(zip(names, row, strict=True)) for row in rows]


def test_a_name_that_is_not_utf8_is_escaped() -> None:
    assert printable(Path("caf\udce9.jpg")) == r"caf\xe9.jpg"
    assert printable(Path("café.jpg")) == "café.jpg"


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a\nb.jpg", r"a\nb.jpg"),
        ("a\rb.jpg", r"a\rb.jpg"),
        ("\x1b[2J.jpg", r"\x1b[2J.jpg"),
        ("\x9b2J.jpg", r"\x9b2J.jpg"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("a\u2067b\u200f.jpg", r"a\u2067b\u200f.jpg"),
        ("a\u2028b\udce9.jpg", r"a\u2028b\xe9.jpg"),
        ("\u5199\u771f\u30001 \u0646\u200c\u0647.jpg", "\u5199\u771f\u30001 \u0646\u200c\u0647.jpg"),
    ],
)
def test_control_characters_are_shown_escaped(name: str, escaped: str) -> None:
    """But those of Japanese and Persian words are not control characters."""
    assert shown(Path(name)) == escaped
    row: list[Any] = [printable(name), name.replace("\udce9", ""), 0.5, 0.5]
    head, line = FORMATS["table"]([row[1]], [Path(name)], [row])
    assert line.startswith(f"{escaped}  ")
    assert len(line) == len(head)
    assert not set("\r\x1b\x9b\u202e\u2067\u2028") & set(line)


@pytest.mark.parametrize(
    "name", ["a\nb", "a\rb", "a\r\nb", "\x1b[2J", "\x9b2J", "a\u202egpj", "\u2028", '"\r', "=1+1", "\t@x"]
)
def test_csv_and_json_hold_the_true_names(name: str) -> None:
    row = row_values(Path(name), Prediction(np.array([0.75, 0.25])), [name, "b"])
    _, read = csv.reader(io.StringIO("".join(FORMATS["csv"]([name, "b"], [Path(name)], [row])), newline=""))
    assert read[:2] == [name, name]
    written = "".join(FORMATS["json"]([name, "b"], [Path(name)], [row]))
    assert [json.loads(written)[0][key] for key in ("path", "class", f"probability_{name}")] == [name, name, 0.75]
    assert not set("\r\x1b\x9b\u202e\u2028") & set(written)
