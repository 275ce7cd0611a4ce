"""Predictions as text, row by row as they come: a table for people, CSV and JSON for programs."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path, PurePath

from stages.common.cli import CONTROLS, printable, shown
from stages.inference.predictor import Prediction

Row = Sequence[str | float]  # the values of a photo, as row_values lists them


def row_values(path: PurePath, prediction: Prediction, class_names: Sequence[str]) -> list[str | float]:
    """List path, most probable class and its probability to six digits, the note if any, then all probabilities."""
    rounded = [round(float(probability), 6) for probability in prediction.probabilities]
    best = int(prediction.probabilities.argmax())
    notes = [] if prediction.note is None else [prediction.note]
    return [printable(path), class_names[best], rounded[best], *notes, *rounded]


def columns(class_names: Sequence[str], has_notes: bool = False) -> list[str]:
    """Name the values of :func:`row_values`."""
    notes = ["note"] if has_notes else []
    return ["path", "class", "probability", *notes, *(f"probability_{name}" for name in class_names)]


def table_lines(
    class_names: Sequence[str], paths: Sequence[Path], rows: Iterable[Row], has_notes: bool = False
) -> Iterator[str]:
    """Align path, class, probability and note in columns that are wide enough for all of ``paths``."""
    path_width = max(len("path"), *(len(shown(path)) for path in paths))
    class_width = max(len("class"), *(len(shown(name)) for name in class_names))
    yield f"{'path':{path_width}}  {'class':{class_width}}  probability{'  note' if has_notes else ''}\n"
    for path, label, probability, *rest in rows:
        line = f"{shown(str(path)):{path_width}}  {shown(str(label)):{class_width}}  {probability:11.3f}"
        yield f"{line}  {rest[0]}".rstrip() + "\n" if has_notes else f"{line}\n"


def csv_lines(
    class_names: Sequence[str], paths: Sequence[Path], rows: Iterable[Row], has_notes: bool = False
) -> Iterator[str]:
    """Write a line of column names, then a line per photo."""
    for values in chain([columns(class_names, has_notes)], rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(values)  # what a line may end in is quoted
        yield line.getvalue().removesuffix("\r\n") + "\n"


def json_lines(
    class_names: Sequence[str], paths: Sequence[Path], rows: Iterable[Row], has_notes: bool = False
) -> Iterator[str]:
    """Write a list with an object per photo, each on a line of its own."""
    names = columns(class_names, has_notes)
    yield "[\n"
    for number, values in enumerate(rows):
        row = json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)
        yield (",\n" if number else "") + CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", row)
    yield "\n]\n"


FORMATS = {"table": table_lines, "csv": csv_lines, "json": json_lines}
