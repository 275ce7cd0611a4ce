"""The lists of photos that ``split`` wrote."""

from collections.abc import Iterable

import pandas as pd

from stages.common.paths import SPLITS
from stages.common.program import UserError

# How the reasons for photos that could be used start in data/splits/rejected.csv.
DUPLICATE = "same photo as"
SAME_GROUP = "same group as"


def read_split(split: str) -> pd.DataFrame:
    """Read the photos of a split ("train", "validation" or "test"), or the "rejected" files.

    Returns:
        A row per photo, sorted by path: ``path`` from the project's root and ``label`` (of rejected files
        ``reason``), all str.
    """
    path = SPLITS / f"{split}.csv"
    if not path.exists():
        raise UserError(f"expected the list {path}, found none: run `dvc repro split`")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def count_rejected(rejected: pd.DataFrame) -> dict[str, int]:
    """Count the unusable files ("rejected"), the "duplicates", and those "grouped" with photos in another split."""
    duplicates, grouped = (int(rejected["reason"].str.startswith(start).sum()) for start in (DUPLICATE, SAME_GROUP))
    return {"rejected": len(rejected) - duplicates - grouped, "duplicates": duplicates, "grouped": grouped}


def class_names(labels: Iterable[str]) -> list[str]:
    """List the classes in the order of a model's logits: sorted by name."""
    return sorted(set(labels))


def majority_class_accuracy(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Compute the accuracy on ``test`` of always predicting the most frequent class of ``train``.

    Of several equally frequent classes, it is the first by name.
    """
    majority = train["label"].mode()[0]
    return float((test["label"] == majority).mean())
