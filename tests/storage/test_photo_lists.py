from pathlib import Path

import pytest

from stages.common.cli import UserError
from stages.storage.photo_lists import read_list
from tests.conftest import write_list


@pytest.mark.parametrize(
    "content", [None, "", "path,label\n", "path;label\na.jpg;b\n", "path\na.jpg\n", 'path\n"a.jpg', "path\né\n"]
)
def test_a_list_that_cannot_be_read_is_one_line(content: str | None, workspace: Path) -> None:
    file = Path("data/splits/train.csv")
    file.parent.mkdir(parents=True)
    if content is not None:
        file.write_text(content, encoding="latin-1")
    received = "found none" if content is None else r"received it damaged or changed \(.+\)"
    with pytest.raises(UserError, match=rf"^expected {file}.*, {received}: run `dvc repro split`$"):
        read_list("train")


def test_a_label_that_looks_like_nothing_is_still_a_label(workspace: Path) -> None:
    write_list("train", path=["a.jpg", "b.jpg"], label=["NA", "1"])
    assert list(read_list("train")["label"]) == ["NA", "1"]


@pytest.mark.parametrize("photos", [10_000, 10_001])
def test_a_long_list_is_read_whole(photos: int, workspace: Path) -> None:
    paths = [f"{number}.jpg" for number in range(photos)]
    write_list("groups", path=paths, group=["cats"] * photos)
    assert read_list("groups").to_dict("list") == {"path": paths, "group": ["cats"] * photos}
    assert list(read_list("groups").index) == list(range(photos))
