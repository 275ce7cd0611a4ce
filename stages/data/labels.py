"""Labels from CSVs of paths and labels: ``download.labels``, and a person's corrections in ``corrections.csv``.

Names are compared in Unicode's normal form C: macOS writes another, in which é is two characters.
"""

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Set
from functools import partial
from io import StringIO
from pathlib import Path
from posixpath import normpath
from unicodedata import normalize

import pandas as pd

from stages.common.cli import MismatchError, UserError, logger, quoted
from stages.storage.photo_lists import REMOVED

MAX_SHOWN = 500  # characters of the names of columns
REMOVE = "remove"  # in corrections.csv, in place of a label
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc
# Zero-width spaces, byte order marks, soft hyphens and direction marks; but not joiners, which scripts and emoji need.
INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def read_labels(content: bytes, name: str, *, refuse_surplus: bool = False) -> dict[str, frozenset[str]]:
    """Read the labels of each path in a CSV, usually one; other columns than ``path`` and ``label`` are only logged.

    Paths are in normal form C, labels in that of :func:`normalize_label`; messages start with ``name``.
    ``refuse_surplus`` refuses more values in a line than columns, which rows of ``plots/label_issues/`` that a person
    adds to ``corrections.csv`` have.
    """
    listed: dict[str, frozenset[str]] = {}
    shared: dict[frozenset[str], frozenset[str]] = {}  # equal ones are one object, as each takes 216 bytes
    if re.search(rb"^<<<<<<< ", content, re.MULTILINE):
        raise UserError(f"{name}: expected rows, received git's conflict markers: resolve the conflict")
    if content.removeprefix(BOM_UTF8).lstrip().startswith((b"{", b"[")):
        raise UserError(f"{name}: expected a CSV, received JSON: convert it (docs/guide.md has the lines for COCO's)")
    try:
        rows = open_rows(content)
        columns = list(rows.fieldnames or [])
        check_columns(columns, name)
        for row in rows:
            if not any(map(any, row.values())):
                continue  # separators alone, as Excel writes for rows that were emptied
            if refuse_surplus and any(row.get(None, ())):
                raise UserError(
                    f"{name}: expected {len(columns)} values in line {rows.line_num}, received more: quote commas"
                )
            path, label = row["path"], normalize_label(row["label"])
            if not path or CONTROL.search(path + label):
                received = f"{path!r} and {label!r} in line {rows.line_num}"
                raise UserError(f"{name}: expected a path and a label, without control characters, received {received}")
            path = normalize_path(path)
            labels = listed.get(path, frozenset()).union([label] if label else [])
            listed[path] = shared.setdefault(labels, labels)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{name}: expected a CSV in UTF-8 (in Excel: save as CSV UTF-8), received: {error}") from error
    return listed


def read_column(labels: Path, column: str, key: str) -> dict[str, str]:
    """Read each path's value, if any, in another column, named by ``key``, of a CSV that `read_labels` accepts."""
    rows = open_rows(labels.read_bytes() if labels.exists() else b"")
    if (columns := list(rows.fieldnames or [])).count(column) != 1:
        received = quoted(columns)[:MAX_SHOWN] or "no CSV"
        raise MismatchError(f"{key}: expected {column!r} once in download.labels, received {received}")
    values: dict[str, str] = {}
    for row in rows:
        path, value = normalize_path(row["path"]), normalize_label(row[column])
        if value and values.setdefault(path, value) != value:
            raise UserError(f"download.labels: two lines disagree on the {column} of {path} ({values[path]}, {value})")
    return values


def open_rows(content: bytes) -> "csv.DictReader[str]":
    """Open a CSV in UTF-8, which Excel starts with a byte order mark; missing values are empty."""
    text = content.decode("utf-8-sig")
    return csv.DictReader(StringIO(text, newline=""), restval="", skipinitialspace=True, strict=True)


def check_columns(columns: list[str], name: str) -> None:
    """Raise a UserError unless ``path`` and ``label`` are there, once each; log the other columns."""
    if columns.count("path") != 1 or columns.count("label") != 1:
        received = quoted(columns)[:MAX_SHOWN] or "none"  # a web page may be one line
        raise UserError(f"{name}: expected the columns path and label, separated by commas, received {received}")
    if others := [column for column in columns if column not in ("path", "label")]:
        logger.info("%s: columns besides path and label: %s", name, ", ".join(map(repr, others))[:MAX_SHOWN])


def normalize_path(path: str) -> str:
    """Return a path in normal form C, without ``./``, ``..`` after a folder, and doubled slashes."""
    return normalize("NFC", normpath(path))  # pathlib would intern each name for good


def normalize_label(label: str) -> str:
    """Return a label in normal form C, without invisible characters, with single spaces, and none around it."""
    return " ".join(normalize("NFC", INVISIBLE.sub("", label)).split())


def spelling(label: str) -> str:
    """Return a key that labels share if only case, width, spaces or an integer's format (0, 00, 0.0) differ."""
    label = re.sub(r"^(-?)0*(\d+)(\.0*)?$", r"\1\2", normalize("NFKC", label).casefold())
    return re.sub(r"[\s_-]+", " ", label)


def apply_corrections(photos: pd.DataFrame, listed: Mapping[str, frozenset[str]]) -> None:
    """Correct the listed photos that have a label: fill ``label`` and ``given``, or ``reason`` if they are removed."""
    labelled = photos.loc[photos["label"] != "", ["path", "label"]]
    paths, classes = labelled["path"].map(partial(normalize, "NFC")), sorted(set(labelled["label"]))
    corrections = {path: labels for path, labels in listed.items() if labels}
    known = set(paths)
    for path, labels in corrections.items():
        check_correction(path, labels, known, classes)
    corrected = paths.map({path: min(labels) for path, labels in corrections.items()}).dropna()
    removed = corrected.index[corrected == REMOVE]
    photos.loc[removed, "reason"] = REMOVED
    corrected = corrected.drop(removed)
    photos.loc[corrected.index, "given"] = labelled["label"][corrected.index]
    photos.loc[corrected.index, "label"] = corrected
    if lost := sorted(set(classes) - set(photos["label"][photos["reason"] == ""])):
        raise MismatchError(
            f"corrections.csv: expected photos of each class, found none of {quoted(lost)}: delete lines"
        )


def check_correction(path: str, labels: Set[str], paths: Set[str], classes: list[str]) -> None:
    """Raise a MismatchError if the path is not one of ``paths``, or the label neither one class nor ``remove``."""
    if path not in paths:
        raise MismatchError(f"corrections.csv: expected labelled photos, as {min(paths)}, received {path!r}: fix it")
    if len(labels) > 1:
        raise MismatchError(f"corrections.csv: two lines disagree on {path} ({', '.join(sorted(labels))}): delete one")
    if not labels <= {*classes, REMOVE}:
        raise MismatchError(
            f"corrections.csv: expected for {path} one of {', '.join([*classes, REMOVE])}, received {min(labels)}"
        )
    if REMOVE in labels and REMOVE in classes:
        raise MismatchError(f"corrections.csv: {REMOVE} (for {path}) removes photos, but is also a class: rename that")
