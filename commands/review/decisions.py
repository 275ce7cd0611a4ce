"""A person's decisions in ``corrections.csv``: the label of a photo, or that it is removed; and what they re-run."""

import csv
from collections.abc import Collection, Mapping
from functools import lru_cache
from io import StringIO
from pathlib import PurePosixPath
from typing import Any
from unicodedata import normalize

import pandas as pd

from commands.review.queues import Photos
from stages.common.cli import UserError
from stages.common.params import Params
from stages.common.paths import CORRECTIONS
from stages.data.labels import REMOVE, read_labels
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
def read_corrections(content: bytes) -> dict[str, set[str]]:
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
        unfinished.write_bytes(change_rows(content, labels, names))
    return {path: before.get(path) for path in labels}


def change_rows(content: bytes, labels: Mapping[str, str | None], names: Collection[str]) -> bytes:
    """Return the content of a CSV of ``path``, ``label`` and perhaps other columns with the rows of some photos set."""
    text = content.decode()
    header, *rows = csv.reader(StringIO(text.removeprefix(BOM), newline=""), skipinitialspace=True, strict=True)
    path_column, label_column = header.index("path"), header.index("label")
    rows = [row + [""] * (len(header) - len(row)) for row in rows if row]
    photos = {normalize("NFC", path): path for path in labels}
    without_row = dict(labels)
    for row in rows:
        name = PurePosixPath(row[path_column]).as_posix()
        path = name if name in names else photos.get(normalize("NFC", name), name)
        if path in labels:  # the first row of a photo has its label
            row[path_column], row[label_column] = path, without_row.pop(path, None) or ""
    for path, label in without_row.items():
        row = [""] * len(header)
        row[path_column], row[label_column] = path, label or ""
        rows.append(row)
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


def describe_rerun(photos: pd.DataFrame, decisions: Mapping[str, str], params: Params) -> dict[str, Any]:
    """Count the decisions that the last run of ``split`` did not have, and list the ``steps`` that they re-run.

    Classes that would be left ``without_photos`` are listed, as ``split`` stops at them.
    """
    decided = pd.Series(decisions, dtype=str).reindex(photos.index, fill_value="")
    photos = photos.assign(decided=decided, final=decided.where(decided != "", photos["given"]))
    new = photos[photos["decided"] != photos["applied"]]
    was_removed, is_removed = new["applied"] == REMOVE, new["decided"] == REMOVE
    stays = ~was_removed & ~is_removed
    relabelled = stays & (new["final"] != new["label"])
    is_listed = new["split"].isin(["train", "validation"])
    returns = (new["split"] == "left out") & (new["label"] == "")  # was removed, or a copy with two labels
    moves_photos = (is_listed & is_removed) | returns  # of which pixels and features are extracted
    trains = (is_listed & relabelled) | moves_photos
    steps = []
    if len(new):
        steps += ["split", "label_stats"]
    if moves_photos.any():
        steps += ["pixels", *(f"features@{name}" for name in params.features)]
    if (trains | stays).any():
        steps += [f"label_issues@{name}" for name in params.label_issues]
    if trains.any():
        steps += [f"train@{name}" for name in params.models]
    if (relabelled | ~stays).any():
        steps += ["evaluate", "page"]
    in_a_split = (photos["split"] != "left out") | (photos["applied"] != "") | (photos["decided"] != "")
    return {
        "relabelled": int(relabelled.sum()),
        "confirmed": int((stays & ~relabelled).sum()),
        "removed": int(is_removed.sum()),
        "restored": int(was_removed.sum()),
        "steps": steps,
        "without_photos": sorted({*photos["label"]} - {""} - {*photos["final"][in_a_split]}),
    }
