from pathlib import Path

import pandas as pd
import pytest

from stages.common.program import UserError
from stages.photos.lists import class_names, count_rejected, majority_class_accuracy, read_split


def test_classes_are_sorted_by_name() -> None:
    assert class_names(["dogs", "cats", "dogs", "ants"]) == ["ants", "cats", "dogs"]


def test_the_majority_class_is_that_of_the_training_photos_whatever_is_tested() -> None:
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
    ]
    assert count_rejected(pd.DataFrame({"path": reasons, "reason": reasons})) == {
        "unusable": 4,
        "unmatched": 3,
        "conflicting": 6,
        "duplicates": 2,
        "grouped": 5,
        "removed": 1,
    }


def test_a_missing_list_is_one_line(workspace: Path) -> None:
    with pytest.raises(UserError, match=r"expected the list data/splits/train.csv, found none: run `dvc repro split`"):
        read_split("train")


def test_a_label_that_looks_like_nothing_is_still_a_label(workspace: Path) -> None:
    Path("data/splits").mkdir(parents=True)
    Path("data/splits/train.csv").write_text("path,label\na.jpg,NA\nb.jpg,1\n")
    assert list(read_split("train")["label"]) == ["NA", "1"]
