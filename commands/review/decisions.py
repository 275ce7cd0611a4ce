"""A person's decisions in ``corrections.csv``: the label of a photo, or that it is removed."""

import csv
from collections.abc import Collection, Mapping
from functools import lru_cache
from io import StringIO
from unicodedata import normalize

import pandas as pd

from commands.review.queues import Photos
from stages.common.cli import UserError
from stages.common.paths import CORRECTIONS
from stages.data.labels import REMOVE, normalize_path, read_labels
from stages.storage.files import atomic_write

BOM = "\ufeff"  # with which Excel starts a file


def read_decisions(names: Collection[str]) -> dict[str, str]:
    """Return the label, or ``remove``, of each photo in ``corrections.csv``; ``names`` are the paths of the photos."""
    return decisions_in(read_content(), names)


def read_content() -> bytes:
    try:
        return CORRECTIONS.read_bytes()
    except FileNotFoundError:
        return b"path,label\n"


def decisions_in(content: bytes, names: Collection[str]) -> dict[str, str]:
    listed = read_corrections(content)
    others = {} if all(path in names for path in listed) else {normalize("NFC", name): name for name in names}
    return {others.get(path, path): " or ".join(sorted(labels)) for path, labels in listed.items() if labels}


@lru_cache(maxsize=1)
def read_corrections(content: bytes) -> dict[str, frozenset[str]]:
    """Read ``corrections.csv`` once for each content, and so log only once which columns are not read."""
    return read_labels(content, str(CORRECTIONS))


def write_decisions(labels: Mapping[str, str | None], names: Collection[str]) -> dict[str, str | None]:
    """Set or, with None, delete the labels of some photos in ``corrections.csv``; return the decisions before.

    Other rows keep their values, and a row that has others beside its label stays. The file is read once before each
    write, sorted by path, and complete at any time.
    """
    content = read_content()
    before = decisions_in(content, names)
    with atomic_write(CORRECTIONS.resolve()) as unfinished:  # a link stays one
        unfinished.write_bytes(change_rows(content, labels))
    return {path: before.get(path) for path in labels}


def change_rows(content: bytes, labels: Mapping[str, str | None]) -> bytes:
    """Return the content of a CSV of ``path``, ``label`` and perhaps other columns with the rows of some photos set."""
    text = content.decode()
    header, *rows = csv.reader(StringIO(text.removeprefix(BOM), newline=""), skipinitialspace=True, strict=True)
    path_column, label_column = header.index("path"), header.index("label")
    rows = [row + [""] * (len(header) - len(row)) for row in rows if row]
    for path in labels:  # behind those that a photo may have already
        rows.append([path if column == path_column else "" for column in range(len(header))])
    photos, missing = {normalize("NFC", path): path for path in labels}, dict(labels)
    for row in rows:
        if photo := photos.get(normalize_path(row[path_column])):  # whose first row has its label
            row[path_column], row[label_column] = photo, missing.pop(photo, None) or ""
    # Of these photos, a row with a path alone goes.
    rows = [row for row in rows if row[path_column] not in labels or sum(map(bool, row)) > 1]
    result = StringIO(newline="")
    line_end = "\r\n" if "\r\n" in text else "\n"
    csv.writer(result, lineterminator=line_end).writerows([header, *sorted(rows, key=lambda row: row[path_column])])
    return (BOM * text.startswith(BOM) + result.getvalue()).encode()


def check_labels(labels: Mapping[str, str | None], photos: Photos) -> None:
    """Raise a UserError if a path is not one of the listed photos, or a label neither a class nor ``remove``."""
    for path, label in labels.items():
        if path not in photos.table.index:
            raise UserError(f"expected a photo of data/splits, received {path!r}: reload the page")
        if label not in {*photos.classes, REMOVE, None}:
            raise UserError(f"expected one of the classes or {REMOVE}, received {label!r}: reload the page")


def count_new(photos: Photos, decisions: Mapping[str, str]) -> int:
    """Count the decisions, also those taken back, that the last run of ``split`` did not have."""
    decided = pd.Series(decisions, dtype=str).reindex(photos.table.index, fill_value="")
    return int((decided != photos.table["applied"]).sum())
