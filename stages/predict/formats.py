"""Predictions as text, row by row as they come: a table for people, CSV and JSON for programs."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np


class Prediction(NamedTuple):
    path: PurePath
    probabilities: np.ndarray  # float64 shaped (classes,), summing to one

    def row(self, class_names: Sequence[str]) -> list[str | float]:
        """Path, likeliest class, its probability, then the probability of each class, to six digits."""
        probabilities = [round(float(probability), 6) for probability in self.probabilities]
        likeliest = int(self.probabilities.argmax())
        return [printable(self.path), class_names[likeliest], probabilities[likeliest], *probabilities]


def printable(path: str | PurePath) -> str:
    """Escape bytes of a file's name that are no UTF-8: no output could hold them."""
    return os.fsencode(path).decode(errors="backslashreplace")


def columns(class_names: Sequence[str]) -> list[str]:
    return ["path", "class", "probability", *(f"probability_{name}" for name in class_names)]


def as_table(predictions: Iterable[Prediction], class_names: Sequence[str], paths: Sequence[Path]) -> Iterator[str]:
    """Align path, class and probability; ``paths`` are those of all predictions to come."""
    wide = max(len("path"), *(len(printable(path)) for path in paths))
    narrow = max(len("class"), *(len(name) for name in class_names))
    yield f"{'path':{wide}}  {'class':{narrow}}  probability\n"
    for prediction in predictions:
        path, label, probability, *_ = prediction.row(class_names)
        yield f"{path:{wide}}  {label:{narrow}}  {probability:11.3f}\n"


def as_csv(predictions: Iterable[Prediction], class_names: Sequence[str], paths: Sequence[Path]) -> Iterator[str]:
    """A line of column names, then a line per photo."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(columns(class_names))
    yield line.getvalue()
    for prediction in predictions:
        line.seek(0)
        line.truncate()
        writer.writerow(prediction.row(class_names))
        yield line.getvalue()


def as_json(predictions: Iterable[Prediction], class_names: Sequence[str], paths: Sequence[Path]) -> Iterator[str]:
    """A list with an object per photo, each on a line of its own."""
    separator = "[\n"
    for prediction in predictions:
        record = dict(zip(columns(class_names), prediction.row(class_names), strict=True))
        yield separator + json.dumps(record, ensure_ascii=False)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


FORMATS = {"table": as_table, "csv": as_csv, "json": as_json}
