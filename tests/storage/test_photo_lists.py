from pathlib import Path

import pandas as pd
import pytest

from stages.common.cli import UserError
from stages.storage.photo_lists import class_names, count_rejected, read_split
from tests.conftest import write_list


def test_classes_are_sorted_by_name() -> None:
    assert class_names(["dogs", "cats", "dogs", "ants"]) == ["ants", "cats", "dogs"]


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
    counts = {"unusable": 4, "unmatched": 3, "conflicting": 6, "duplicates": 2, "grouped": 5, "removed": 1}
    assert count_rejected(pd.DataFrame({"path": reasons, "reason": reasons})) == counts


@pytest.mark.parametrize("content", [None, "", "path;label\na.jpg;b\n", 'path\n"a.jpg', "path\né\n"])
def test_a_list_that_cannot_be_read_is_one_line(content: str | None, workspace: Path) -> None:
    file = Path("data/splits/train.csv")
    file.parent.mkdir(parents=True)
    if content is not None:
        file.write_text(content, encoding="latin-1")
    received = "found none" if content is None else r"received it damaged or changed \(.+\)"
    with pytest.raises(UserError, match=rf"^expected {file}.*, {received}: run `dvc repro split`$"):
        read_split("train")


def test_a_label_that_looks_like_nothing_is_still_a_label(workspace: Path) -> None:
    write_list("train", path=["a.jpg", "b.jpg"], label=["NA", "1"])
    assert list(read_split("train")["label"]) == ["NA", "1"]
