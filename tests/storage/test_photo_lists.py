from pathlib import Path

import pandas as pd
import pytest

from stages.common.cli import UserError
from stages.storage.photo_lists import class_names, count_copies, count_rejected, majority_class_accuracy, read_split


def test_classes_are_sorted_by_name() -> None:
    assert class_names(["dogs", "cats", "dogs", "ants"]) == ["ants", "cats", "dogs"]


def test_the_majority_class_is_that_of_training() -> None:
    """Whatever the most frequent class of the photos that are tested is."""
    train, test = (pd.DataFrame({"label": ["cats"] * cats + ["dogs"] * dogs}) for cats, dogs in [(60, 40), (10, 30)])
    assert majority_class_accuracy(train, test) == 0.25


def test_rejected_files_are_counted_by_reason() -> None:
    reasons = [
        "cannot be decoded: cut",
        "cannot be read: Permission denied",
        "has 130 megapixels",
        "has 140 megapixels",
        *("in no class folder", "has no label in download.labels", "is in download.labels, but not in download.photos"),
        *["has more than one label: same photo as 1.jpg, which has another"] * 6,
        *("same photo as 1.jpg", "same photo as 2.jpg"),
        *["same group as 3.jpg"] * 5,
        "removed by corrections.csv",
        *("beside photos: is a camera's preview", "beside photos: cannot be decoded: cannot identify image file"),
    ]
    assert count_rejected(pd.DataFrame({"path": reasons, "reason": reasons})) == {
        "unusable": 4,
        "unmatched": 3,
        "conflicting": 6,
        "duplicates": 2,
        "grouped": 5,
        "removed": 1,
    }


def test_copies_are_counted_per_split() -> None:
    copies = pd.DataFrame({"path": ["1", "2", "3"], "split": ["test", "validation", "test"]})
    lists = {"validation": pd.DataFrame({"path": range(3)}), "test": pd.DataFrame({"path": range(2)})}
    assert count_copies(copies, lists) == {
        "validation": {"photos": 1, "share": 0.25},
        "test": {"photos": 2, "share": 0.5},
    }


def test_a_missing_list_is_one_line(workspace: Path) -> None:
    with pytest.raises(UserError, match=r"expected the list data/splits/train.csv, found none: run `dvc repro split`"):
        read_split("train")


def test_a_label_that_looks_like_nothing_is_still_a_label(workspace: Path) -> None:
    Path("data/splits").mkdir(parents=True)
    Path("data/splits/train.csv").write_text("path,label\na.jpg,NA\nb.jpg,1\n")
    assert list(read_split("train")["label"]) == ["NA", "1"]
