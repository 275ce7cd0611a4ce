"""Predictions as text, row by row as they come: a table for people, CSV and JSON for programs."""

import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np


class Prediction(NamedTuple):
    path: PurePath
    probabilities: np.ndarray  # float64, shaped (classes,), summing to one

    def row(self, class_names: Sequence[str]) -> list[str | float]:
        """List path, most probable class and its probability, then the probability of each class, to six digits."""
        probabilities = [round(float(probability), 6) for probability in self.probabilities]
        best = int(self.probabilities.argmax())
        return [printable(self.path), class_names[best], probabilities[best], *probabilities]


def columns(class_names: Sequence[str]) -> list[str]:
    """Name the values of :meth:`Prediction.row`."""
    return ["path", "class", "probability", *(f"probability_{name}" for name in class_names)]


def printable(path: str | PurePath) -> str:
    """Escape the bytes of a file name that are not UTF-8, which no output could hold."""
    return os.fsencode(path).decode(errors="backslashreplace")


class Format(NamedTuple):
    header: str
    row: Callable[[Prediction], str]
    separator: str = ""  # between two rows
    footer: str = ""


def table_format(class_names: Sequence[str], paths: Sequence[Path]) -> Format:
    """Align path, class and probability in columns that are wide enough for all of ``paths``."""
    path_width = max(len("path"), *(len(printable(path)) for path in paths))
    class_width = max(len("class"), *(len(name) for name in class_names))

    def row(prediction: Prediction) -> str:
        path, label, probability, *_ = prediction.row(class_names)
        return f"{path:{path_width}}  {label:{class_width}}  {probability:11.3f}\n"

    return Format(f"{'path':{path_width}}  {'class':{class_width}}  probability\n", row)


def csv_format(class_names: Sequence[str], paths: Sequence[Path]) -> Format:
    """Write a line of column names, then a line per photo."""
    return Format(csv_line(columns(class_names)), lambda prediction: csv_line(prediction.row(class_names)))


def csv_line(values: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def json_format(class_names: Sequence[str], paths: Sequence[Path]) -> Format:
    """Write a list with an object per photo, each on a line of its own."""

    def row(prediction: Prediction) -> str:
        record = dict(zip(columns(class_names), prediction.row(class_names), strict=True))
        return json.dumps(record, ensure_ascii=False)

    return Format("[\n", row, ",\n", "\n]\n")


FORMATS = {"table": table_format, "csv": csv_format, "json": json_format}
