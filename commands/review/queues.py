"""The photos to review: the lists of ``split`` joined with what contradicts their labels, filtered and searched."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np
import pandas as pd
from scipy.special import softmax

from stages.common.cli import UserError
from stages.common.params import PARAMS, Split, load_params
from stages.common.paths import BEST, LABEL_ISSUES, MODELS, OUT_OF_FOLD, SPLIT_NAMES, SPLITS
from stages.data.labels import REMOVE
from stages.inference.calibration import read_validation
from stages.storage.files import explain_unreadable, json_value
from stages.storage.photo_lists import REMOVED, class_names, encode_labels, read_list

COLUMNS = ["path", "predicted", "probability"]  # of the label
SHOWN = 20  # of a group
UNSURE = 0.9  # probability of the label, below which a photo is unsure


class Photos(NamedTuple):
    table: pd.DataFrame  # by path, sorted: label, split, applied, predicted, probability (of the label), rank
    classes: list[str]
    queues: dict[str, np.ndarray]  # rows of the table
    related: dict[str, list[str]]  # by path: the copies, or the group, of each photo that is not alone, itself included
    settings: Split


def current_photos() -> Photos:
    """Load the photos, once for each state of the files that they come from."""
    tables = [path for folder in (SPLITS, LABEL_ISSUES, OUT_OF_FOLD) for path in folder.glob("*.csv")]
    return load_photos(state_of([*tables, *MODELS.glob("*.npz"), BEST, PARAMS]))


def state_of(files: Iterable[Path]) -> tuple[tuple[Path, int], ...]:
    """Return the time of change of each of these files that exists."""
    return tuple((path, path.stat().st_mtime_ns) for path in sorted(files) if path.exists())


@lru_cache(maxsize=1)
def load_photos(state: tuple[Any, ...]) -> Photos:
    """Join the lists of ``split``, the files that it left out but a person may correct, and predicted labels."""
    params = load_params()
    lists = pd.concat([read_list(split).assign(split=split) for split in SPLIT_NAMES])
    labels = lists.set_index("path")["label"]
    left_out = read_left_out(labels)
    corrected = read_list("corrected").set_index("path")
    table = pd.concat([lists.set_index("path"), left_out[["label", "split"]]]).sort_index().rename_axis("path")
    table["applied"] = corrected["label"].reindex(table.index).fillna("")
    table.loc[left_out.index[left_out["copy_of"].isna()], "applied"] = REMOVE
    issues = read_predictions(LABEL_ISSUES, params.label_issues, ["path", "suggested", "given_probability"])
    table["rank"] = pd.Series(range(len(issues)), issues["path"], dtype=float)
    out_of_fold = read_predictions(OUT_OF_FOLD, params.label_issues, COLUMNS)
    predictions = pd.concat([issues, out_of_fold, best_models_validation(lists)])
    # Of several predictions of a photo, the most suspicious one.
    table = table.join(predictions.sort_values("probability", kind="stable").drop_duplicates("path").set_index("path"))
    table["predicted"] = table["predicted"].fillna("")
    related = related_photos(left_out["copy_of"].dropna(), table.index)
    return Photos(table, class_names(labels), order_queues(table), related, params.split)


def read_left_out(labels: "pd.Series[str]") -> pd.DataFrame:
    """Return the photos that ``split`` rejected as copies or removed: by path, ``label``, ``split`` and ``copy_of``.

    The label is unknown, and empty, of a copy with another label than its original, and of a removed photo.
    """
    copies, rejected = read_list("copies").set_index("path")["copy_of"], read_list("rejected").set_index("path")
    label = copies.map(labels).fillna("")
    # Of two photos that are left out because of each other, the first is the original.
    copy_of = copies.where((label != "") | (copies < copies.index), copies.index)
    removed = rejected.index[rejected["reason"] == REMOVED]
    table = pd.DataFrame({"label": label, "copy_of": copy_of}).reindex([*copies.index, *removed])
    return table.assign(label=table["label"].fillna(""), split="left out")


def related_photos(copies: "pd.Series[str]", listed: pd.Index) -> dict[str, list[str]]:
    """Map each listed photo that is not alone to its group and copies, itself included; ``copies`` have originals."""
    groups = read_list("groups").set_index("path")["group"]
    clusters = pd.concat([groups, copies.replace(groups)])
    alone = sorted(set(clusters) - set(clusters.index))  # originals in no group
    clusters = pd.concat([clusters, pd.Series(alone, alone, dtype=str)])
    clusters = clusters[clusters.index.isin(listed)]
    members = {first: list(paths) for first, paths in clusters.index.groupby(clusters).items()}
    return {path: members[first] for path, first in clusters.items()}


def read_predictions(folder: Path, names: Iterable[str], columns: list[str]) -> pd.DataFrame:
    """Read what ``COLUMNS`` names from the CSVs of these names, one below another, each photo once."""
    tables = [pd.DataFrame(columns=COLUMNS).astype({"probability": float})]
    for name in names:
        path = folder / f"{name}.csv"
        if path.exists():
            with explain_unreadable(path, f"run `dvc repro label_issues@{name}`"):
                table = pd.read_csv(path, dtype=str, keep_default_na=False)[columns].set_axis(COLUMNS, axis=1)
                tables.append(table.astype({"probability": float}))
    return pd.concat(tables).drop_duplicates("path")


def best_models_validation(lists: pd.DataFrame) -> pd.DataFrame:
    """Return what the best model predicted for the validation photos, if there is one and they have the same labels."""
    validation, classes = lists[lists["split"] == "validation"], class_names(lists["label"])
    with suppress(OSError, UserError):
        best = json_value(BEST.read_bytes(), "model", str, BEST, "run `dvc repro`")
        arrays = read_validation(MODELS / f"{best}.npz")
        labels = encode_labels(validation["label"], classes)
        if np.array_equal(labels, arrays["labels"]):
            probabilities = softmax(arrays["logits"].astype(np.float64), axis=1)
            label_probability = probabilities[np.arange(len(labels)), labels].round(4)
            predicted = np.take(classes, probabilities.argmax(axis=1))
            return validation[["path"]].assign(predicted=predicted, probability=label_probability)
    return pd.DataFrame(columns=COLUMNS)


def order_queues(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the rows of each queue but ``decided``, in its order: the most suspicious first, or by path."""
    order = table.reset_index()
    by_probability = order.dropna(subset="probability").sort_values("probability", kind="stable")
    agrees = by_probability["predicted"] == by_probability["label"]
    queues = {
        "suspects": order.dropna(subset="rank").sort_values("rank"),
        "mistakes": by_probability[~agrees],
        "unsure": by_probability[agrees & (by_probability["probability"] < UNSURE)],
        "all": order,
    }
    return {name: rows.index.to_numpy() for name, rows in queues.items()}


def select(photos: Photos, decisions: Mapping[str, str], query: Mapping[str, str]) -> pd.DataFrame:
    """Return the photos of a ``queue`` in its order, of a ``class`` or ``split``, with ``search`` in their paths."""
    table = photos.table.iloc[photos.queues.get(query.get("queue", ""), photos.queues["all"])]
    if query.get("queue") == "decided":
        table = table[table.index.isin(decisions.keys())]
    for column, key in (("label", "class"), ("split", "split")):
        if value := query.get(key):
            table = table[table[column] == value]
    if search := query.get("search"):
        paths = table.index.map(partial(normalize, "NFC"))  # as a keyboard writes é, and macOS does not
        table = table[paths.str.contains(normalize("NFC", search), case=False, regex=False)]
    return table


def describe(photos: Photos, decisions: Mapping[str, str], rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the page shows of photos: some columns, their decision, copies and group."""
    columns = ["label", "split", "predicted", "probability"]
    described: list[Any] = rows[columns].reset_index().to_dict("records")
    for photo in described:
        if np.isnan(photo["probability"]):  # JSON has no NaN
            photo["probability"] = None
        related = photos.related.get(photo["path"], [photo["path"]])  # of a fixed camera, a hundred thousand
        others = [other for other in related[: SHOWN + 1] if other != photo["path"]]
        photo |= {"decision": decisions.get(photo["path"]), "related": len(related) - 1, "shown": others[:SHOWN]}
        photo["are_copies"] = not photos.settings.has_groups
    return described
