"""The photos to review: the lists of ``split`` joined with what contradicts their labels, filtered and searched."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import softmax

from stages.common.cli import UserError
from stages.common.params import load_params
from stages.common.paths import BEST, LABEL_ISSUES, MODELS, OUT_OF_FOLD, SPLITS
from stages.data.labels import REMOVE
from stages.inference.confidence import read_validation
from stages.storage.files import json_value
from stages.storage.photo_lists import DUPLICATE, REMOVED, TWO_LABELS, class_names, read_split

UNSURE = 0.9  # probability of the label, below which a photo is unsure
QUEUES = ("suspects", "mistakes", "unsure", "all", "decided")
SHOWN_RELATED = 50


class Photos(NamedTuple):
    """The photos that may be seen and corrected."""

    table: pd.DataFrame  # by path, sorted: label, split, given, applied, predicted, probability (of the label), rank
    classes: list[str]
    clusters: pd.Series  # of photos that are not alone: the first path of their copies or group, by path
    groups_are_copies: bool  # whether photos of one group are always copies


def current_photos() -> Photos:
    """Load the photos, once for each state of the files that they come from."""
    folders = (SPLITS, LABEL_ISSUES, OUT_OF_FOLD)
    files = [*(path for folder in folders for path in folder.glob("*.csv")), BEST]
    return load_photos(tuple((path, path.stat().st_mtime_ns) for path in sorted(files) if path.exists()))


@lru_cache(maxsize=1)
def load_photos(state: tuple[Any, ...]) -> Photos:
    """Join the lists of ``split``, the files that it left out but a person may correct, and the suspicious labels.

    Raises:
        UserError: There are no lists.
    """
    lists = pd.concat([read_split(split).assign(split=split) for split in ("train", "validation", "test")])
    classes = class_names(lists["label"])
    rejected = read_split("rejected").assign(split="left out", label="")
    conflict = f"{TWO_LABELS}: {DUPLICATE} "
    is_conflict = rejected["reason"].str.startswith(conflict)
    is_copy = rejected["reason"].str.startswith(DUPLICATE)
    rejected = rejected[is_conflict | is_copy | (rejected["reason"] == REMOVED)]
    of = rejected["reason"].str.removeprefix(conflict).str.removeprefix(f"{DUPLICATE} ")
    original = of.str.removesuffix(", which has another")
    rejected["label"] = original[is_copy].map(lists.set_index("path")["label"]).reindex(rejected.index).fillna("")
    corrected = read_split("corrected").set_index("path")
    table = pd.concat([lists, rejected.drop(columns="reason")]).set_index("path").sort_index()
    table["given"] = corrected["given"].reindex(table.index).fillna(table["label"])
    table["applied"] = corrected["label"].reindex(table.index).fillna("")
    table.loc[rejected["path"][rejected["reason"] == REMOVED], "applied"] = REMOVE
    issues = read_tables(LABEL_ISSUES, ["path", "suggested", "given_probability"])
    issues.columns = ["path", "predicted", "probability"]
    table["rank"] = pd.Series(range(len(issues)), issues["path"], dtype=float)
    contradicting = pd.concat([issues, read_tables(OUT_OF_FOLD, list(issues.columns)), best_models_validation(lists)])
    lowest = contradicting.sort_values("probability", kind="stable").drop_duplicates("path").set_index("path")
    table = table.join(lowest)  # a photo's most suspicious prediction
    table["predicted"] = table["predicted"].fillna("")
    groups = read_split("groups").set_index("path")["group"]
    copies = pd.Series(original.to_numpy(), rejected["path"])[(is_copy | is_conflict).to_numpy()]
    clusters = pd.concat([groups, copies.replace(groups)])
    originals = [path for path in clusters if path not in clusters.index]
    clusters = pd.concat([clusters, pd.Series(originals, originals, dtype=str)])
    clusters = clusters[~clusters.index.duplicated()]
    return Photos(table, classes, clusters, load_params().split.group is None)


def read_tables(folder: Any, columns: list[str]) -> pd.DataFrame:
    """Read columns of all CSVs in a folder, one below another, each photo once."""
    tables = [pd.read_csv(path, keep_default_na=False)[columns] for path in sorted(folder.glob("[!.]*.csv"))]
    joined = pd.concat([pd.DataFrame(columns=columns), *tables])
    joined[columns[-1]] = joined[columns[-1]].astype(float)
    return joined.drop_duplicates("path")


def best_models_validation(lists: pd.DataFrame) -> pd.DataFrame:
    """Return what the best model predicted for the validation photos, if there is one and they are still the same."""
    columns = ["path", "predicted", "probability"]
    validation = lists[lists["split"] == "validation"]
    try:
        best = json_value(BEST.read_bytes(), "model", str, BEST, "run `dvc repro`")
        arrays = read_validation(MODELS / f"{best}.npz")
    except (OSError, UserError):
        return pd.DataFrame(columns=columns)
    classes = class_names(lists["label"])
    labels = validation["label"].map({name: index for index, name in enumerate(classes)}).to_numpy()
    if not np.array_equal(labels, arrays["labels"]):
        return pd.DataFrame(columns=columns)
    probabilities = softmax(arrays["logits"].astype(np.float64), axis=1)
    return pd.DataFrame(
        {
            "path": validation["path"],
            "predicted": np.take(classes, probabilities.argmax(axis=1)),
            "probability": probabilities[np.arange(len(labels)), labels].round(4),
        }
    )


def select(photos: Photos, decisions: Mapping[str, str], query: Mapping[str, str]) -> pd.DataFrame:
    """Return the photos of a queue in its order: the most suspicious first, or by path.

    Args:
        query: ``queue``, one of ``QUEUES``; ``class``, ``split`` and ``search``, a part of the path, unless empty.
    """
    table = photos.table
    match query.get("queue"):
        case "suspects":
            table = table[table["rank"].notna()].sort_values("rank")
        case "mistakes":
            table = table[(table["predicted"] != table["label"]) & table["probability"].notna()]
            table = table.sort_values("probability", kind="stable")
        case "unsure":
            table = table[(table["predicted"] == table["label"]) & (table["probability"] < UNSURE)]
            table = table.sort_values("probability", kind="stable")
        case "decided":
            table = table[table.index.isin(decisions.keys())]
    for column, key in (("label", "class"), ("split", "split")):
        if wanted := query.get(key):
            table = table[table[column] == wanted]
    if search := query.get("search"):
        table = table[table.index.str.contains(search, case=False, regex=False)]
    return table


def describe(photos: Photos, decisions: Mapping[str, str], rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the page shows of photos: their columns, decision, copies and group."""
    described = []
    for path, row in zip(rows.index, rows.to_dict("records"), strict=True):
        related = photos.clusters[photos.clusters == photos.clusters[path]].index if path in photos.clusters else []
        others = [other for other in related if other != path and other in photos.table.index]
        described.append(
            {
                "path": path,
                "label": row["label"],
                "split": row["split"],
                "predicted": row["predicted"],
                "probability": None if np.isnan(row["probability"]) else row["probability"],
                "decision": decisions.get(path),
                "related": others[:SHOWN_RELATED],
                "related_are_copies": photos.groups_are_copies,
            }
        )
    return described
