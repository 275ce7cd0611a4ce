"""Predictions as text, row by row as they come: a table for people, CSV and JSON for programs."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path, PurePath

import numpy as np

Row = Sequence[str | float]  # the values of a photo, as row_values lists them


def row_values(path: PurePath, probabilities: np.ndarray, class_names: Sequence[str]) -> list[str | float]:
    """List path, most probable class and its probability, then the probability of each class, to six digits."""
    rounded = [round(float(probability), 6) for probability in probabilities]
    best = int(probabilities.argmax())
    return [printable(path), class_names[best], rounded[best], *rounded]


def columns(class_names: Sequence[str]) -> list[str]:
    """Name the values of :func:`row_values`."""
    return ["path", "class", "probability", *(f"probability_{name}" for name in class_names)]


def printable(path: str | PurePath) -> str:
    """Escape the bytes of a file name that are not UTF-8, which no output could hold."""
    return os.fsencode(path).decode(errors="backslashreplace")


def table_lines(class_names: Sequence[str], paths: Sequence[Path], rows: Iterable[Row]) -> Iterator[str]:
    """Align path, class and probability in columns that are wide enough for all of ``paths``."""
    path_width = max(len("path"), *(len(printable(path)) for path in paths))
    class_width = max(len("class"), *(len(name) for name in class_names))
    yield f"{'path':{path_width}}  {'class':{class_width}}  probability\n"
    for path, label, probability, *_ in rows:
        yield f"{path:{path_width}}  {label:{class_width}}  {probability:11.3f}\n"


def csv_lines(class_names: Sequence[str], paths: Sequence[Path], rows: Iterable[Row]) -> Iterator[str]:
    """Write a line of column names, then a line per photo."""
    for values in chain([columns(class_names)], rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(values)
        yield line.getvalue()


def json_lines(class_names: Sequence[str], paths: Sequence[Path], rows: Iterable[Row]) -> Iterator[str]:
    """Write a list with an object per photo, each on a line of its own."""
    names = columns(class_names)
    yield "[\n"
    for number, values in enumerate(rows):
        yield (",\n" if number else "") + json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)
    yield "\n]\n"


FORMATS = {"table": table_lines, "csv": csv_lines, "json": json_lines}
