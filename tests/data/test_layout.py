"""Layouts of files that are empty: nothing here decodes one."""

import re
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pandas as pd
import pytest

from stages.common.cli import UserError
from stages.data.labels import read_labels
from stages.data.layout import find_photos
from tests.conftest import less_memory_than

pytestmark = pytest.mark.usefixtures("workspace")


def lay_out(*paths: str) -> None:
    for path in paths:
        Path("raw", path).parent.mkdir(parents=True, exist_ok=True)
        Path("raw", path).touch()


def find(labels: str | None = None) -> pd.DataFrame:
    """Return the table of photos, indexed by the path in ``raw/``."""
    if labels is not None:
        Path("labels.csv").write_text(labels, encoding="utf-8")
    files = [str(path) for path in Path("raw").rglob("*") if path.is_file()]
    photos = find_photos(Path("raw"), files, Path("labels.csv"))
    return photos.set_index(photos["path"].str.removeprefix("raw/"))


def labelled(photos: pd.DataFrame) -> dict[Any, str]:
    return dict(photos["label"][photos["reason"] == ""].items())


def reasons(photos: pd.DataFrame) -> dict[Any, str]:
    return dict(photos["reason"][photos["label"] == ""].items())


def test_names_of_many_photos_take_few_bytes_each() -> None:
    with less_memory_than(400 * 10_000):
        find_photos(Path("raw"), [f"raw/{label}/{n}.jpg" for label in "ab" for n in range(5000)], Path("labels.csv"))


def test_labels_of_many_photos_take_few_bytes_each() -> None:
    rows = "".join(f"cats/{number}.jpg,cats\n" for number in range(10_000))
    content = f"path,label\n{rows}".encode()
    with less_memory_than(250 * 10_000):
        read_labels(content, "labels.csv")


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
def test_folders_of_splits_have_the_usual_names(folders: list[str], splits: list[str]) -> None:
    lay_out(*(f"{folder}/{label}/1.jpg" for folder in folders for label in ("cats", "dogs")))
    assert find()[["label", "split", "name", "reason"]].to_numpy().tolist() == [
        [label, split, f"{label}/1.jpg", ""]
        for _, split in sorted(zip(folders, splits, strict=True))
        for label in ("cats", "dogs")
    ]


def test_other_folders_beside_those_of_splits_are_rejected() -> None:
    """In those, a class may be called train, too."""
    lay_out(*(f"{folder}/{label}/1.jpg" for folder in ("train", "test", "more") for label in ("bus", "train")))
    photos = find()
    assert labelled(photos) == {path: path.split("/")[1] for path in photos.index if not path.startswith("more")}
    assert reasons(photos) == dict.fromkeys(["more/bus/1.jpg", "more/train/1.jpg"], "in no class folder")


def splits_of(*paths: str) -> dict[str, tuple[str, str]]:
    """Lay out these files; return the label and split of each that has one."""
    lay_out(*paths)
    photos = find()
    pairs = dict(zip(photos.index, zip(photos["label"], photos["split"], strict=True), strict=True))
    return {path: pair for path, pair in pairs.items() if pair[0]}


@pytest.mark.parametrize(
    "pattern",
    [
        "{label}/{split}/1.jpg",
        "outer/{label}/{split}/1.jpg",
        "{label}/photos/{split}/1.jpg",
        "{label}/{label}_{split}/more/1.jpg",
        "seg_{split}/seg_{split}/{label}/1.jpg",
        "{split}/{split}/{label}/1.jpg",
        "{split}_set/{split}_set/{label}/1.jpg",
        "{split}/images/{label}/1.jpg",
        "images/{split}/{label}/1.jpg",
        "{split}2017/{label}/images/1.jpg",
        "cats-{split}-v2/{label}/1.jpg",
        "{split}.images/{label}/deep/er/1.jpg",
    ],
)
@pytest.mark.parametrize("validation", ["val", "DEV", "Eval"])
def test_classes_and_splits_nest_in_any_order(pattern: str, validation: str) -> None:
    paths = {
        pattern.format(split=split, label=label): (label, name)
        for split, name in {"train": "train", validation: "validation", "test": "test"}.items()
        for label in ("cats", "dogs")
    }
    assert splits_of(*paths) == paths


@pytest.mark.parametrize(
    "paths",
    [
        ["cats/images/1.jpg", "dogs/images/2.jpg"],
        ["cats/cats/1.jpg", "dogs/3/4/2.jpg"],
        ["cats/1.jpg", "cats/tom/3.jpg", "dogs/rex/2.jpg"],
        ["images/cats/1.jpg", "images/dogs/2.jpg", "annotations/cats/1.xml", "readme.md"],
        ["toy_train/1.jpg", "toy_car/2.jpg", "bullet_train/3.jpg"],
        ["images/cats/1.jpg", "images/dogs/2.jpg", "annotations/README", "annotations/list.xlsx", "LICENSE"],
        ["cats/1.jpg", "dogs/2"],
        ["cats/2023/1.jpg", "cats/2024/05/1.jpg", "dogs/1998-07 Föhr/1.jpg", "dogs/2024/1.jpg"],
        ["cats/202301__/1.jpg", "cats/202302__/2.jpg", "dogs/20230102/3.jpg", "dogs/20230103-walk/4.jpg"],
    ],
)
def test_photos_may_lie_deeper_in_a_class_folder(paths: list[str]) -> None:
    folder = "images/" if "images/dogs/2.jpg" in paths else ""
    photos = [path for path in paths if path.startswith(folder)]
    assert splits_of(*paths) == {path: (path.removeprefix(folder).split("/")[0], "") for path in photos}


UNCLEAR = {
    "test/a/1.jpg validation/a/2.jpg": r"or one for train .*, received test/ \(test\), validation/ \(validation\)$",
    "Train/a/1.jpg val/a/2.jpg valid/a/3.jpg": r"Train/ \(train\), val/ \(validation\), valid/ \(validation\)$",
    "train/cat.0.jpg train/dog.0.jpg": r"or labels in a CSV \(download.labels\), received train/ \(train\)$",
    "readme.txt train.zip": "found none, and 2 files without a class, such as raw/train.zip$",
    "bus/1.jpg car/2.jpg train/3.jpg": r"received train/ \(train\) and 2 other folders$",  # perhaps a class
    "cats/1.jpg Test_set/2.jpg": r"received Test_set/ \(test\) and 1 other folder$",
    "animals/cats/1.jpg animals/dogs/1.jpg cars/vw/1.jpg": "photos in the class folder raw/animals, .*cats/",
    "cats/1.jpg dogs/1.jpg more/cats/2.jpg more/dogs/2.jpg": "photos in the class folder raw/more",
    "cats/1.jpg dogs/1.jpg more/cats/2.jpg": "raw/more, found only .* cats/.* set download.photos to more/ or,",
    "pets/cats/1.jpg pets/dogs/2.jpg pets/pets/cats/3.jpg pets/pets/dogs/4.jpg": "to pets/pets/ or,",
    "a/train/x/1.jpg a/train/y/2.jpg a/val/3.jpg b/train/4.jpg b/val/5.jpg": "raw/a, found only .* train/x/, train/y/",
    "a/train/x/1.jpg a/val/x/2.jpg b/train/x/y/4.jpg b/train/x/z/5.jpg b/val/6.jpg": "raw/b, found only .* train/x/y/",
    "2023/cats/1.jpg 2023/dogs/1.jpg 2024/cats/2.jpg 2024/dogs/2.jpg": "photos in the class folder raw/2023",
    "2023/2023-05/1.jpg 2023/2023-06/2.jpg 2024/3.jpg": "found only folders there, as 2023-05/, 2023-06/",
    "cats/1/1.jpg cats/2/2.jpg dogs/3.jpg": "found only folders there, as 1/, 2/",
    "cats/200013/1.jpg cats/200027/2.jpg dogs/3.jpg": "found only folders there, as 200013/, 200027/",  # no months
    "cats/20240132/1.jpg cats/20240140/2.jpg dogs/3.jpg": "found only folders there, as 20240132/, 20240140/",
    "cars/Audi-2012/1.jpg cars/VW-2013/2.jpg bikes/3.jpg": "found only folders there, as Audi-2012/",
    "cats/2023/1.jpg cats/tom/2.jpg dogs/3.jpg": "found only folders there, as 2023/, tom/",
    "a/images/1.png a/masks/1.png b/images/2.png b/masks/2.png": "found only folders there, as images/",
    "train/a/x/1.jpg train/a/y/2.jpg test/a/x/3.jpg test/a/y/4.jpg train/b/1.jpg": "only folders",
    "cats/train/1.jpg cats/test/2.jpg dogs/3.jpg": "received photos in raw/dogs",
    "cats/train/1.jpg cats/val/2.jpg cats/valid/3.jpg dogs/train/4.jpg": "received train/.* in raw/cats",
    "cats/test/1.jpg cats/val/2.jpg dogs/test/3.jpg dogs/val/4.jpg": "received test/.* in raw/cats",
    "cats/1.jpg dogs/2.jpg dogs/cats/3.jpg": "of 'dogs', received raw/dogs/cats, named like 'cats'",
    "train/a/1.jpg train/b/x/a/2.jpg train/b/5.jpg test/a/3.jpg test/b/4.jpg": "raw/train/b/x/a, named like 'a'",
    "cats/1.jpg cats/test/2.jpg dogs/3.jpg": r"one split, or none, received raw/cats/test \(test\)",
    "cats/1.jpg dogs/2.jpg dogs/rex/Train/3.jpg": r"raw/dogs/rex/Train \(train\) for photos of no split",
    "train/a/train/1.jpg train/b/val/1.jpg test/a/train/1.jpg test/b/val/1.jpg": r"test/a/train .* photos of test",
    "train/train/a/1.jpg train/train/b/1.jpg test/train/a/1.jpg test/train/b/2.jpg": "raw/test/train/a",
    "train/a/1.jpg train/b/2.jpg test/3.jpg": "a folder per class in raw/test, found photos alone",
    "train_a/1.jpg train_b/2.jpg test_a/3.jpg test_b/4.jpg": "a folder per class in raw/test_a, found photos alone",
    "train/a/1.jpg train/b/2.jpg val/a/3.jpg val/b/4.jpg test/images/5.jpg": "class in raw/test, found images/ alone",
    "cats/1.jpg dogs/2.jpg cows/notes.txt cows/film.MOV": "photos in the class folder raw/cows, found none",
    "train/a/1.jpg train/b/2.jpg val/a/1.jpg val/b/2.jpg test/b.txt": "class folder raw/test, found",
}


@pytest.mark.parametrize("paths", UNCLEAR)
def test_an_unclear_layout_is_an_error(paths: str) -> None:
    lay_out(*paths.split())
    with pytest.raises(UserError, match=f"^expected .*{UNCLEAR[paths]}"):
        find()


def test_folders_that_look_alike_are_one_class() -> None:
    mac, linux = normalize("NFD", "café"), normalize("NFC", "café")
    both = [f"train/{mac}/1.jpg", f"train/{mac}/é.jpg", f"test/{linux}/1.jpg"]
    both += ["train/a  b /1.jpg", "train/\ufeffa \u200bb/2.jpg", "test/a b/1.jpg"]
    found = splits_of(*both)
    assert [label for label, _ in found.values()].count(linux) == 3
    assert {label for label, _ in found.values()} == {linux, "a b"}
    assert set(found) == set(both)


@pytest.mark.parametrize(
    "alike",
    [
        *(["Cats", "cats"], ["0", "0.0"], ["01", "1"], ["1000", "1000."], ["hot dog", "hot-dog", "hot_dog"]),
        *(["cats", "\uff43ats"], ["STRASSE", "straße"], ["-1", "-1.00"], ["00", "000", "0000.0"]),
    ],
)
def test_classes_that_differ_in_spelling_alone_are_logged(caplog: pytest.LogCaptureFixture, alike: list[str]) -> None:
    """As pandas writes 0 in a column with a gap as 0.0; none is merged with another."""
    labels = {*alike, "2", "2a", "20", "2_0", "2.1", "2.10", "02e1", "c", "c++", "inf", "snan", "2" * 40, "2" * 41}
    lay_out(*(f"{label}/1.jpg" for label in labels))
    assert set(find()["label"]) == labels
    assert f"only in spelling are separate classes: {', '.join(sorted(alike))}\n" in caplog.text


def test_classes_named_like_several_others_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As a CSV with several labels in a cell has them; none is divided."""
    labels = {"cat", "dog", "hot", "hot dog", "cat|dog", "dog; cat", "cat|cow", "cat, ", "cat cat"}
    lay_out(*(f"{label}/1.jpg" for label in labels))
    assert set(find()["label"]) == {label.strip() for label in labels}
    assert "classes of their own, as each photo has one: 'cat|dog', 'dog; cat', 'hot dog'\n" in caplog.text


def test_classes_named_like_folders_of_datasets_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As masks beside photos have them, or the parts of an archive."""
    unlikely = ["ISIC_images_part_2", "JPEGImages", "images_001", "lung masks", "patient07"]
    lay_out(*(f"{label}/1.jpg" for label in [*unlikely, "cats", "Class 1", "fire_images", "part", "with_mask"]))
    assert len(set(find()["label"])) == 10
    assert f"like a dataset's folders, {', '.join(map(repr, unlikely))}: unless they are classes" in caplog.text


@pytest.mark.parametrize("mask", ["cats/1_mask.png", "cats/1_Mask_2.png", "cats/1-gt.bmp", "dogs/Label"])
def test_masks_beside_photos_are_logged(caplog: pytest.LogCaptureFixture, mask: str) -> None:
    lay_out(
        "cats/1.jpg", "cats/3_mask.png", "cats/with_mask_1.jpg", "cats/mask/x.txt", "cats/1_label.txt", "dogs/2.jpg"
    )
    lay_out("dogs/labels.npy")
    lay_out(f"{mask}/1.png" if "." not in mask else mask)
    find()
    assert f"named like masks of the photos beside them: 1, such as raw/{mask}: if they are masks" in caplog.text


@pytest.mark.parametrize("name", ["meta/test.txt", "list_eval_partition.txt", "TrainImages.txt", "Ebay_TRAIN.TXT"])
def test_lists_of_splits_beside_class_folders_are_logged(caplog: pytest.LogCaptureFixture, name: str) -> None:
    lay_out("images/cats/1.jpg", "images/dogs/2.jpg", "readme.txt", "images/cats/test.txt", name)
    find()
    assert f"raw/{name} decides no split: if it lists one, name that in a column" in caplog.text


def test_lists_beside_folders_of_splits_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    lay_out("train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/b/4.jpg", "train.txt", "trainings.txt")
    find()
    assert "decides no split" not in caplog.text


def test_classes_that_may_be_missing_values_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    lay_out("1.jpg", "2.jpg", "3.jpg", "4.jpg")
    photos = find("path,label\n1.jpg,cats\n2.jpg,nan\n3.jpg,None\n4.jpg,nan\n")
    assert set(labelled(photos).values()) == {"cats", "nan", "None"}
    assert "like a missing value, None, nan (3 photos): leave a missing label empty" in caplog.text


def test_a_csv_finds_files_in_another_unicode_form() -> None:
    names = [normalize("NFD", "é.jpg"), normalize("NFC", "ñ.jpg"), normalize("NFC", "ü.jpg"), normalize("NFD", "ü.jpg")]
    lay_out(*names)
    listed = [normalize("NFC", names[0]), normalize("NFD", names[1]), *names[2:]]
    labels = ["cats", "dogs\u200b", "café", normalize("NFD", "café")]
    photos = find("path,label\n" + "".join(map("{},{}\n".format, listed, labels)))
    assert labelled(photos) == dict(zip(names, ["cats", "dogs", "café", "café"], strict=True))
    assert len(photos) == 4


@pytest.mark.parametrize("listed", ["cats/1.jpg ", "cats/1", r"raw\cats\1.jpg", "/home/me/raw/cats/1.jpg", "1.JPG"])
def test_a_csv_of_other_paths_names_the_nearest_file(listed: str) -> None:
    lay_out("cats/1.jpg", "dogs/other.png")
    message = f"{listed!r} is in download.labels, but not in download.photos, which has files such as 'cats/1.jpg'"
    with pytest.raises(UserError, match=f"^download.labels: .* none of .cats., .dogs.: {re.escape(message)}$"):
        find(f"path,label\n{listed},cats\nz.gif,dogs\n")


@pytest.mark.parametrize("outer", ["", "outer/", "outer/of/"])
def test_a_csv_gives_the_labels_whatever_the_folders(outer: str, caplog: pytest.LogCaptureFixture) -> None:
    """And whatever its other columns, which are logged; rows of separators alone, as Excel leaves them, are skipped."""
    lay_out(f"{outer}1.jpg", f"{outer}train/2.jpg", f"{outer}labels.csv")
    photos = find("\ufeff,split,path,label\n0,test,1.jpg,cats\n,,,\n1,train,./train/2.jpg, dogs \n, ,,\n,,,,,,\n")
    assert "download.labels: columns besides path and label: '', 'split'" in caplog.text
    assert photos[["name", "label", "split"]].to_dict("index") == {
        f"{outer}1.jpg": {"name": "1.jpg", "label": "cats", "split": ""},
        f"{outer}labels.csv": {"name": "labels.csv", "label": "", "split": ""},
        f"{outer}train/2.jpg": {"name": "train/2.jpg", "label": "dogs", "split": ""},
    }


def test_files_and_rows_of_a_csv_that_do_not_match_are_rejected() -> None:
    lay_out("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg")
    photos = find(
        "path,label\n1.jpg,cats\n1.jpg,cats\n2.jpg,dogs\n3.jpg,dogs\n3.jpg,cats\n4.jpg,\n6.jpg,cats\n../7.jpg,dogs"
    )
    assert labelled(photos) == {"1.jpg": "cats", "2.jpg": "dogs"}
    assert reasons(photos) == {
        "../7.jpg": "is in download.labels, but not in download.photos",
        "3.jpg": "has more than one label in download.labels: cats, dogs",
        "4.jpg": "has no label in download.labels",
        "5.jpg": "has no label in download.labels",
        "6.jpg": "is in download.labels, but not in download.photos",
    }


def test_folders_of_splits_that_a_csv_overrules_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    lay_out("train/1.jpg", "train/2.jpg", "Test_set/3.jpg")
    find("path,label\ntrain/1.jpg,cats\ntrain/2.jpg,dogs\nTest_set/3.jpg,\n")
    assert caplog.messages == ["2 classes: 'cats', 'dogs'"]  # what lies in no training folder has no label
    find("path,label\ntrain/1.jpg,cats\ntrain/2.jpg,dogs\nTest_set/3.jpg,dogs\n")
    assert "the folder raw/Test_set decides no split: with download.labels, split.split_column" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the columns path and label, separated by commas, received none$"),
        (b"path;label\n1.jpg;cats\n", "the columns path and label, separated by commas, received 'path;label'$"),
        (
            b"path , label\n1.jpg , cats\n",
            "the columns path and label, separated by commas, received 'path ', 'label'$",
        ),
        (b"path\tlabel\n1.jpg\tcats\n", r"the columns .*, received 'path\\tlabel'$"),
        ("path,label\n".encode("utf-16-le"), r"the columns .*, received 'p\\x00a\\x00"),
        (b"id,label\n1,cats\n", "the columns .*, received 'id', 'label'$"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "the columns .*, received 'version https://git-lfs"),
        (b"<html>" + b"<p>" * 9999, "the columns [^<]*received '<html>[<p>]{493}$"),
        (b"path,label,label\n1.jpg,cats,dogs\n", "the columns .*, received 'path', 'label', 'label'$"),
        (b"path,label\n1.jpg,cats,\na, b.jpg,cats\n", "2 values in line 3, received more: quote commas"),
        (b"path,label\n1.jpg,cats\n,dogs\n", "a path and a label, .*, received '' and 'dogs' in line 3$"),
        (b"path,label\n1.jpg,cats\n2.jpg,\x1bdogs\n", r"a path .*, received '2.jpg' and '\\x1bdogs' in line 3$"),
        (b"path,label\n1.jpg,caf\xe9\n", r"a CSV in UTF-8 .*, received: 'utf-8' codec can't decode byte 0xe9"),
        (b"path,label\n<<<<<<< HEAD\n1.jpg,cats\n=======\n>>>>>>> x\n", "rows, received git's conflict markers: "),
        (b'\xef\xbb\xbf\n{"images": []}', "a CSV, received JSON: convert it"),
        (b'path,label\n"1.jpg,cats\n', r"a CSV in UTF-8 .*, received: unexpected end of data"),
        (b"path,label\n1.jpg,cats\n2.jpg,dogs\n3.jpg,cows\n", "photos .*none of 'cows': '3.jpg' is .*2.jpg'"),
    ],
)
def test_a_csv_that_is_not_one_of_labels_is_an_error(content: bytes, message: str) -> None:
    lay_out("1.jpg", "2.jpg")
    Path("labels.csv").write_bytes(content)
    with pytest.raises(UserError, match=f"^download.labels: expected {message}"):
        find()
