from pathlib import Path

import pytest

from stages.common.cli import UserError
from stages.storage.photo_lists import class_names, read_split
from tests.conftest import write_list


def test_classes_are_sorted_by_name() -> None:
    assert class_names(["dogs", "cats", "dogs", "ants"]) == ["ants", "cats", "dogs"]


def test_a_missing_list_is_one_line(workspace: Path) -> None:
    with pytest.raises(UserError, match=r"expected the list data/splits/train.csv, found none: run `dvc repro split`"):
        read_split("train")


def test_a_label_that_looks_like_nothing_is_still_a_label(workspace: Path) -> None:
    write_list("train", path=["a.jpg", "b.jpg"], label=["NA", "1"])
    assert list(read_split("train")["label"]) == ["NA", "1"]
