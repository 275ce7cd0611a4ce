"""The lists of photos in ``data/splits/``, as ``split`` writes them."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from stages.common.paths import SPLITS
from stages.storage.files import content_hash, explain_unreadable

# How the reasons in data/splits/rejected.csv start. Others are for files that are not usable photos.
NO_CLASS = "in no class folder"
NO_LABEL = "has no label in download.labels"
NO_FILE = "is in download.labels, but not in download.photos"
TWO_LABELS = "has more than one label"
DUPLICATE = "same photo as"
SAME_GROUP = "same group as"
REMOVED = "removed by corrections.csv"
SIDECAR = "beside photos"  # such as notes and films, which nobody takes for photos
# Columns of the lists; those of train, validation and test are path and label.
COLUMNS = {"train_paths": ["path"], "validation_paths": ["path"], "rejected": ["path", "reason"]}
COLUMNS |= {"copies": ["path", "copy_of", "split"], "groups": ["path", "group"]}
COLUMNS |= {"corrected": ["path", "given", "label"]}
MAY_BE_EMPTY = ("rejected", "copies", "groups", "corrected")


def read_lists(*names: str) -> dict[str, pd.DataFrame]:
    return {name: read_list(name) for name in names}


def read_list(name: str) -> pd.DataFrame:
    """Read a list that ``stages/split.py`` describes, such as "train": a row per photo, with columns of str."""
    path = SPLITS / f"{name}.csv"
    with explain_unreadable(path, "run `dvc repro split`"):
        chunks = pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=10_000)  # in a third of the memory
        table = pd.concat(chunks)[COLUMNS.get(name, ["path", "label"])]
        if table.empty and name not in MAY_BE_EMPTY:
            raise ValueError("no photos")
        return table


def read_groups(paths: "pd.Series[str]") -> np.ndarray:
    """Read the group of each training or validation photo, str, shaped (photos,); of a photo alone, its own path."""
    groups = dict(read_list("groups")[["path", "group"]].to_numpy())
    return np.array([groups.get(path, path) for path in paths])


def count_rejected(rejected: pd.DataFrame) -> dict[str, int]:
    """Count the rejected files by reason, without sidecar files."""
    reasons = rejected["reason"][~rejected["reason"].str.startswith(SIDECAR)]
    starts: dict[str, str | tuple[str, ...]] = {
        "unmatched": (NO_CLASS, NO_LABEL, NO_FILE),  # files without a label, and labels without a file
        "conflicting": TWO_LABELS,
        "duplicates": DUPLICATE,
        "grouped": SAME_GROUP,  # with photos in another split
        "removed": REMOVED,
    }
    counts = {name: int(reasons.str.startswith(start).sum()) for name, start in starts.items()}
    return {"unusable": len(reasons) - sum(counts.values()), **counts}


def count_copies(copies: pd.DataFrame, lists: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """Count the copies that each split leaves out, and their share of the photos that it would have with them."""
    counts = {split: int((copies["split"] == split).sum()) for split in lists}
    return {
        split: {"photos": count, "share": round(count / (count + len(lists[split])), 6)}
        for split, count in counts.items()
    }


def hash_lists(lists: Mapping[str, pd.DataFrame]) -> str:
    """Hash the training and validation lists, by which `evaluate` knows the models that were trained on them."""
    return content_hash(str(lists[split].to_csv(index=False)) for split in ("train", "validation"))


def class_names(labels: Iterable[str]) -> list[str]:
    """Return the classes in the order of a model's logits: sorted by name."""
    return sorted(set(labels))


def encode_labels(labels: "pd.Series[str]", classes: list[str]) -> np.ndarray:
    """Encode labels as class indices, int64, shaped (photos,)."""
    return labels.map({label: index for index, label in enumerate(classes)}.__getitem__).to_numpy(np.int64)


def majority_class_accuracy(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Compute the accuracy on ``test`` of always predicting ``train``'s most frequent class: of several, the first."""
    return float((test["label"] == train["label"].mode()[0]).mean())
