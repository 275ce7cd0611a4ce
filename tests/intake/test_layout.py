"""Layouts of files that are empty: nothing here decodes one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stages.common.params import PARAMS, load_params
from stages.common.program import UserError
from stages.intake.groups import assign_splits
from stages.intake.layout import LabelledPhoto, find_photos
from tests.conftest import PROJECT


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lay_out(*paths: str) -> None:
    for path in paths:
        Path("raw", path).parent.mkdir(parents=True, exist_ok=True)
        Path("raw", path).touch()


def find(labels: str | None = None) -> tuple[list[LabelledPhoto], dict[str, str]]:
    if labels is not None:
        Path("labels.csv").write_text(labels, encoding="utf-8")
    return find_photos(Path("raw"), Path("labels.csv"))


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (["train", "val"], ["train", "validation"]),
        (["train", "valid", "test"], ["train", "validation", "test"]),
        (["outer/Training", "outer/Test"], ["train", "test"]),
        (["TRAIN", "Validation_set", "test-data"], ["train", "validation", "test"]),
        (["Train"], [""]),  # an outer folder, as any that is alone
    ],
)
def test_folders_of_splits_have_the_names_that_people_give_them(folders: list[str], splits: list[str]) -> None:
    lay_out(*(f"{folder}/{label}/1.jpg" for folder in folders for label in ("cats", "dogs")))
    assert find() == (
        sorted(
            LabelledPhoto(f"raw/{folder}/{label}/1.jpg", label, split, f"{label}/1.jpg")
            for folder, split in zip(folders, splits, strict=True)
            for label in ("cats", "dogs")
        ),
        {},
    )


@pytest.mark.parametrize(
    ("folders", "received"),
    [
        (["test", "validation"], r"test/ \(test\), validation/ \(validation\)"),
        (["Train", "val", "valid"], r"Train/ \(train\), val/ \(validation\), valid/ \(validation\)"),
        (["bus", "car", "train"], r"train/ \(train\) and 2 other folders"),  # perhaps a class
        (["cats", "Test_set"], r"Test_set/ \(test\) and 1 other folders"),
    ],
)
def test_folders_of_which_it_is_unclear_what_they_are_stop_the_run(folders: list[str], received: str) -> None:
    lay_out(*(f"{folder}/{label}/1.jpg" for folder in folders for label in ("cats", "dogs")))
    with pytest.raises(UserError, match=rf"^expected in raw a folder per class, none named .*, received {received}$"):
        find()


def test_other_folders_beside_those_of_splits_are_left_out_with_the_reason() -> None:
    lay_out(*(f"{folder}/{label}/1.jpg" for folder in ("train", "test", "more") for label in ("cats", "dogs")))
    photos, rejected = find()
    assert len(photos) == 4
    assert rejected == dict.fromkeys(["raw/more/cats/1.jpg", "raw/more/dogs/1.jpg"], "in no class folder")


@pytest.mark.parametrize("outer", ["", "outer/", "outer/of/"])
def test_a_csv_gives_the_classes_whatever_folders_photos_are_in(outer: str) -> None:
    lay_out(f"{outer}1.jpg", f"{outer}train/2.jpg", f"{outer}labels.csv")
    photos, rejected = find("\ufeffid,path,label\n1,1.jpg,cats\n2,./train/2.jpg, dogs \n")
    assert photos == [
        LabelledPhoto(f"raw/{outer}1.jpg", "cats", "", "1.jpg"),
        LabelledPhoto(f"raw/{outer}train/2.jpg", "dogs", "", "train/2.jpg"),
    ]
    assert list(rejected) == [f"raw/{outer}labels.csv"]


def test_what_a_csv_and_the_photos_do_not_agree_on_is_left_out_with_the_reason() -> None:
    lay_out("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg")
    listed = [
        "1.jpg,cats",
        "1.jpg,cats",
        "2.jpg,dogs",
        "3.jpg,dogs",
        "3.jpg,cats",
        "4.jpg,",
        "6.jpg,cats",
        "../7.jpg,dogs",
    ]
    photos, rejected = find("path,label\n" + "\n".join(listed))
    assert [photo.path for photo in photos] == ["raw/1.jpg", "raw/2.jpg"]
    assert rejected == {
        "raw/../7.jpg": "is in download.labels, but not in download.photos",
        "raw/3.jpg": "has more than one label in download.labels: cats, dogs",
        "raw/4.jpg": "has no label in download.labels",
        "raw/5.jpg": "has no label in download.labels",
        "raw/6.jpg": "is in download.labels, but not in download.photos",
    }
    assert list(rejected) == sorted(rejected)


@pytest.mark.parametrize("start", ["raw", "/home/me/raw"])
def test_a_csv_whose_paths_start_above_the_photos_is_one_line(start: str) -> None:
    lay_out("1.jpg", "2.jpg")
    message = f"paths from the folder of the photos on, as 2.jpg, received {start}/2.jpg: leave out what comes before"
    with pytest.raises(UserError, match=f"^download.labels: expected {message}$"):
        find(f"path,label\n{start}/3.jpg,cats\n{start}/2.jpg,dogs\n")


def test_a_folder_that_may_not_be_read_is_not_taken_for_an_empty_one(without_access: Callable[[str], None]) -> None:
    lay_out("cats/1.jpg", "dogs/1.jpg", "dogs/private/2.jpg")
    without_access("raw/dogs/private")
    with pytest.raises(PermissionError, match=r"raw/dogs/private"):
        find()


def test_folders_of_splits_that_a_csv_overrules_are_told(caplog: pytest.LogCaptureFixture) -> None:
    lay_out("train/1.jpg", "train/2.jpg", "Test_set/3.jpg")
    find("path,label\ntrain/1.jpg,cats\ntrain/2.jpg,dogs\nTest_set/3.jpg,\n")
    assert not caplog.records  # what lies in no training folder has no label
    find("path,label\ntrain/1.jpg,cats\ntrain/2.jpg,dogs\nTest_set/3.jpg,dogs\n")
    assert "the folder raw/Test_set gives no split: where download.labels gives the classes, all" in caplog.text


def test_photos_of_a_csv_hardly_change_their_split_when_a_folder_is_added() -> None:
    def splits(years: list[str]) -> dict[str, str]:
        names = [f"{year}/{number}.jpg" for year in years for number in range(100)]
        lay_out(*names)
        photos, _ = find("path,label\n" + "".join(f"{name},{'cats' if '1' in name else 'dogs'}\n" for name in names))
        assigned = assign_splits([[[photo]] for photo in photos], load_params(PROJECT / PARAMS).split)
        return {photo.path: photo.split for [[photo]] in assigned}

    before, after = splits(["2033"]), splits(["2033", "2044"])
    assert sum(after[path] != split for path, split in before.items()) < 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the columns path and label, received none"),
        (b"path;label\n1.jpg;cats\n", "the columns path and label, received path;label"),
        (b"path,label\n1.jpg,cats\n,dogs\n", "a path and a label without .* in line 3, received '' and 'dogs'"),
        (b"path,label\n1.jpg,cats\n2.jpg,\x1bdogs\n", r"a path .* in line 3, received '2.jpg' and '\\x1bdogs'"),
        (b"path,label\n1.jpg,cats\n2.jpg,cats\n", "two or more classes, received cats"),
        (b"path,label\n1.jpg,caf\xe9\n", "a CSV in UTF-8, received: 'utf-8' codec can't decode byte 0xe9"),
        (b'path,label\n"1.jpg,cats\n', "a CSV in UTF-8, received: unexpected end of data"),
        (
            b"path,label\n1.jpg,cats\n2.jpg,dogs\n3.jpg,cows\n",
            "photos of every class, found none of 'cows': raw/3.jpg: is in download.labels, but not in download.photos",
        ),
    ],
)
def test_a_csv_that_is_none_of_labels_stops_the_run(content: bytes, message: str) -> None:
    lay_out("1.jpg", "2.jpg")
    Path("labels.csv").write_bytes(content)
    with pytest.raises(UserError, match=f"^download.labels: expected {message}"):
        find()
