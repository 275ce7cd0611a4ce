"""Photos of one picture or group: never in two splits, and in a score once."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from stages import split
from stages.common.paths import RAW, SPLITS
from stages.common.program import UserError
from stages.intake.layout import SPLIT_NAMES
from stages.photos.lists import DUPLICATE, TWO_LABELS
from tests.conftest import write_photos
from tests.test_split import layout, split_lists


def copy_photo(source: str, *targets: str) -> None:
    for target in targets:
        (RAW / target).write_bytes((RAW / source).read_bytes())


def test_a_photo_in_two_splits_leaves_the_one_that_is_less_of_a_test(
    workspace: Path, set_params: Callable[..., None]
) -> None:
    layout({f"{name}/{label}": 10 for name in ("train", "validation") for label in ("cats", "dogs")})
    with Image.open(RAW / "validation/cats/0.jpg") as photo:  # a test photo
        photo.resize((60, 40)).save(RAW / "train/cats/copy.jpg", quality=60)
    copy_photo("train/cats/1.jpg", "validation/cats/1.jpg")
    set_params({"split.max_rejected_fraction": 0.05})
    lists = split_lists()
    assert [len(lists[name]) for name in SPLIT_NAMES] == [19, 16, 4]
    assert lists["rejected"].to_dict("records") == [
        {"path": "data/raw/train/cats/1.jpg", "reason": "same photo as data/raw/validation/cats/1.jpg"},
        {"path": "data/raw/train/cats/copy.jpg", "reason": "same photo as data/raw/validation/cats/0.jpg"},
    ]


def test_frames_of_a_picture_train_together_and_test_once(workspace: Path) -> None:
    layout({"cats": 10, "dogs": 10})
    for path in sorted(RAW.rglob("*.jpg")):
        name = path.relative_to(RAW).as_posix()
        copy_photo(name, name.replace("/", "/copy of "), name.replace("/", "/second copy of "))
    lists = split_lists()
    assert [len(lists[split]) for split in SPLIT_NAMES] == [3 * 14, 4, 2]
    pictures = [{re.sub("(second )?copy of ", "", path) for path in lists[split]["path"]} for split in SPLIT_NAMES]
    assert len(set().union(*pictures)) == 20
    assert [len(some) for some in pictures] == [14, 4, 2]
    assert len(lists["rejected"]) == 2 * (4 + 2)
    assert lists["rejected"]["reason"].str.startswith(DUPLICATE).all()


def test_copies_within_validation_and_test_are_left_out_and_stop_no_run(workspace: Path) -> None:
    layout({f"{name}/{label}": 3 for name in SPLIT_NAMES for label in ("cats", "dogs")})
    copy_photo("test/cats/1.jpg", "test/cats/3.jpg", "test/cats/4.jpg", "test/cats/5.jpg")
    copy_photo("validation/dogs/2.jpg", "validation/dogs/copy.jpg")
    copy_photo("train/cats/1.jpg", "train/cats/copy.jpg")
    lists = split_lists()
    assert [len(lists[name]) for name in SPLIT_NAMES] == [7, 6, 6]
    assert list(lists["rejected"]["path"].str.removeprefix("data/raw/")) == [
        *(f"test/cats/{number}.jpg" for number in (3, 4, 5)),
        "validation/dogs/copy.jpg",
    ]
    assert lists["rejected"]["reason"][0] == "same photo as data/raw/test/cats/1.jpg"


def test_a_photo_with_two_labels_is_rejected_under_both(workspace: Path, set_params: Callable[..., None]) -> None:
    layout({"cats": 10, "dogs": 10})
    copy_photo("cats/1.jpg", "dogs/cat.jpg")
    set_params({"split.max_rejected_fraction": 0.1})
    lists = split_lists()
    assert list(lists["rejected"]["path"]) == ["data/raw/cats/1.jpg", "data/raw/dogs/cat.jpg"]
    assert lists["rejected"]["reason"].str.startswith(TWO_LABELS).all()
    assert sum(len(lists[name]) for name in SPLIT_NAMES) == 19


def test_too_many_photos_in_two_splits_or_of_two_labels_stop_the_run(
    workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout({f"{name}/{label}": 10 for name in ("train", "validation") for label in ("cats", "dogs")})
    copy_photo("train/cats/1.jpg", "train/dogs/cat.jpg")
    copy_photo("train/dogs/2.jpg", "validation/dogs/2.jpg")
    with pytest.raises(
        UserError, match=r"to be rejected, received 3 of 41, listed above.* lower split.duplicate_distance"
    ):
        split.main()
    assert "data/raw/train/dogs/2.jpg: same photo as data/raw/validation/dogs/2.jpg" in caplog.text
    assert "cats/1.jpg: has more than one label: same photo as data/raw/train/dogs/cat.jpg, which has" in caplog.text
    assert not SPLITS.exists()


def test_photos_of_a_group_share_a_split_and_leave_the_others_where_folders_part_them(
    workspace: Path, set_params: Callable[..., None]
) -> None:
    layout({f"{name}/{label}": 10 for name in SPLIT_NAMES for label in ("cats", "dogs")})
    write_photos(RAW / "train/cats/tom", 2)
    write_photos(RAW / "validation/cats/tom", 1, first=2)
    set_params({"split.group": "/(tom)/", "split.max_rejected_fraction": 0.04})
    assert split_lists()["rejected"].to_dict("records") == [
        {"path": f"data/raw/train/cats/tom/{n}.jpg", "reason": "same group as data/raw/validation/cats/tom/2.jpg"}
        for n in (0, 1)
    ]


def test_where_every_group_has_test_photos_those_of_training_stop_the_run_and_are_logged(
    workspace: Path, set_params: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    layout({f"{name}/{label}": 3 for name in ("train", "test") for label in ("cats", "dogs")})
    set_params({"split.group": r"/(\w+/\d)\.jpg"})
    with pytest.raises(UserError, match=r"at most 1.0% of the photos to be rejected, received 6 of 12, listed above"):
        split.main()
    assert "data/raw/train/cats/0.jpg: same group as data/raw/test/cats/0.jpg" in caplog.text


def test_without_a_distance_duplicates_stay(workspace: Path, set_params: Callable[..., None]) -> None:
    layout({"cats": 10, "dogs": 10})
    copy_photo("cats/1.jpg", "dogs/cat.jpg")
    set_params({"split.duplicate_distance": None})
    assert split_lists()["rejected"].empty
