"""The lists of photos that ``split`` wrote."""

from collections.abc import Iterable

import pandas as pd

from stages.common.cli import UserError
from stages.common.paths import SPLITS

# How the reasons in data/splits/rejected.csv start. Others are for files that are not usable photos.
NO_CLASS = "in no class folder"
NO_LABEL = "has no label in download.labels"
NO_FILE = "is in download.labels, but not in download.photos"
TWO_LABELS = "has more than one label"
DUPLICATE = "same photo as"
SAME_GROUP = "same group as"
REMOVED = "removed by corrections.csv"
SIDECAR = "beside photos"  # notes, films: nobody takes them for photos


def read_split(split: str) -> pd.DataFrame:
    """Read the photos of a split ("train", "validation" or "test"), the "rejected" files, or the "corrected" photos.

    "copies" are the rejected duplicates of photos in their own split, with that ``split``.

    Returns:
        A row per photo, sorted by path: ``path`` from the project's root and ``label`` (of rejected files
        ``reason``, of corrected photos also the label ``given``; of "train_paths" and "validation_paths" nothing
        else), all str.
    """
    path = SPLITS / f"{split}.csv"
    if not path.exists():
        raise UserError(f"expected the list {path}, found none: run `dvc repro split`")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def count_rejected(rejected: pd.DataFrame) -> dict[str, int]:
    """Count the rejected files by reason, those that lie beside photos left out.

    Returns:
        The numbers of "unusable" files; of files without a label and labels without a file ("unmatched"); of photos
        with more than one label ("conflicting"); of "duplicates"; of photos in a group with photos in another split
        ("grouped"); and of those that a correction "removed".
    """
    starts: dict[str, str | tuple[str, ...]] = {
        "unmatched": (NO_CLASS, NO_LABEL, NO_FILE),
        "conflicting": TWO_LABELS,
        "duplicates": DUPLICATE,
        "grouped": SAME_GROUP,
        "removed": REMOVED,
    }
    counts = {name: int(rejected["reason"].str.startswith(start).sum()) for name, start in starts.items()}
    sidecars = int(rejected["reason"].str.startswith(SIDECAR).sum())
    return {"unusable": len(rejected) - sum(counts.values()) - sidecars, **counts}


def count_copies(copies: pd.DataFrame, lists: dict[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """Count the copies that each split left out, and their share of the photos that it would have with them."""
    counts = {split: int((copies["split"] == split).sum()) for split in lists}
    return {
        split: {"photos": count, "share": round(count / (count + len(lists[split])), 6)}
        for split, count in counts.items()
    }


def class_names(labels: Iterable[str]) -> list[str]:
    """List the classes in the order of a model's logits: sorted by name."""
    return sorted(set(labels))


def majority_class_accuracy(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Compute the accuracy on ``test`` of always predicting the most frequent class of ``train``.

    Of several equally frequent classes, it is the first by name.
    """
    majority = train["label"].mode()[0]
    return float((test["label"] == majority).mean())
