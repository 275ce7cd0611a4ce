"""Labels that a person corrects, and photos that one removes, in ``corrections.csv``."""

import re
import shutil
from itertools import product
from pathlib import Path
from unicodedata import normalize

import pandas as pd
import pytest

from stages.common.cli import UserError
from stages.common.paths import CORRECTIONS, RAW, SPLIT_NAMES, SPLITS
from tests.conftest import PHOTOS, SetParams, write_photos
from tests.test_split import split_photos

CAT, DOG = "data/raw/cats/3.jpg", "data/raw/dogs/4.jpg"


@pytest.fixture(autouse=True)
def _photos(workspace: Path) -> None:
    for label in ("cats", "dogs"):
        write_photos(PHOTOS / label, 10)


def correct(*lines: str) -> dict[str, pd.DataFrame]:
    CORRECTIONS.write_text("\n".join(["path,label", *lines, ""]))
    split_photos()
    return {name: pd.read_csv(SPLITS / f"{name}.csv") for name in (*SPLIT_NAMES, "rejected", "corrected")}


def labels(lists: dict[str, pd.DataFrame]) -> dict[str, str]:
    photos = pd.concat([lists[name] for name in SPLIT_NAMES])
    return dict(zip(photos["path"], photos["label"], strict=True))


@pytest.mark.parametrize("name", ["two  spaces", "at an end ", "café"])
def test_a_class_of_any_name_can_be_corrected(name: str) -> None:
    write_photos(PHOTOS / normalize("NFD", name), 10)
    label = " ".join(name.split())
    path = RAW / name / "3.jpg"  # as a keyboard writes it
    lists = correct(f"{CAT},{name}", f"{path},cats")
    mac_path = str(RAW / normalize("NFD", name) / "3.jpg")
    assert (labels(lists)[CAT], labels(lists)[mac_path]) == (label, "cats")


def test_a_photo_gets_another_label_or_is_removed(caplog: pytest.LogCaptureFixture) -> None:
    """However many are removed; rows of a list of label issues without a label correct nothing."""
    before = labels(correct())
    gone = [DOG, "data/raw/dogs/5.jpg"]
    (PHOTOS / "dogs/4.nef").write_bytes(b"II*\0")  # a RAW beside its JPEG, also beside one that is removed
    lines = [f"{path},remove" for path in gone]
    lists = correct(f"{CAT},dogs,train,0.01", *lines, "data/raw/cats/5.jpg,cats", "data/raw/cats/6.jpg,,train")
    assert labels(lists) == {path: label for path, label in before.items() if path not in gone} | {CAT: "dogs"}
    assert lists["corrected"].to_numpy().tolist() == [[CAT, "cats", "dogs"], ["data/raw/cats/5.jpg", "cats", "cats"]]
    rejected = lists["rejected"][lists["rejected"]["path"] != "data/raw/dogs/4.nef"]
    assert rejected.to_numpy().tolist() == [[path, "removed by corrections.csv"] for path in gone]
    assert "corrections.csv: 1 relabelled, 2 removed" in caplog.text


@pytest.mark.parametrize("label", ["dogs", "remove"])
@pytest.mark.parametrize(
    ("group", "photo"),
    [(None, "validation/cats/0"), (None, "validation/cats/2"), (r"/(\w+/\w+/)[01]\.", "validation/cats/0")],
)
def test_a_correction_moves_no_other_photo(label: str, group: str | None, photo: str, set_params: SetParams) -> None:
    """Where every n-th validation photo is for testing, one that is gone still counts, but not beside its group."""
    set_params({"split.group": group})
    shutil.rmtree(PHOTOS)
    for split, name in product(("train", "validation"), ("cats", "dogs")):
        write_photos(PHOTOS / split / name, 10)
    path = f"data/raw/{photo}.jpg"
    before, after = correct(), correct(f"{path},{label}")
    for name in SPLIT_NAMES:
        assert {*before[name]["path"]} - {path} == {*after[name]["path"]} - {path}


def test_duplicates_are_compared_by_corrected_labels() -> None:
    copy = RAW / "dogs/copy.jpg"
    (PHOTOS / "dogs/copy.jpg").write_bytes((PHOTOS / "cats/3.jpg").read_bytes())
    lists = correct(f"{copy},cats")
    assert labels(lists)[CAT] == labels(lists).get(str(copy), "cats") == "cats"
    assert not lists["rejected"]["reason"].str.contains("more than one label").any()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([f"{CAT} ,dogs"], f"expected labelled photos, as data/raw/cats/0.jpg, received '{CAT} ': fix it"),
        ([f"{CAT},cows"], f"expected for {CAT} one of cats, dogs, remove, received cows"),
        ([f"{CAT},dogs", f"{CAT},cats"], f"two lines disagree on {CAT} (cats, dogs): delete one"),
    ],
)
def test_a_correction_that_does_not_fit_is_an_error(lines: list[str], message: str) -> None:
    with pytest.raises(UserError, match=f"^corrections.csv: {re.escape(message)}") as error:
        correct(*lines)
    assert "data/raw is a copy" not in str(error.value)


@pytest.mark.parametrize("label", ["dogs", "remove"])
def test_classes_that_would_lose_all_their_photos_are_an_error(label: str) -> None:
    """Though another file stays in the folder of one."""
    (PHOTOS / "cats/notes.txt").write_text("no photo")
    write_photos(PHOTOS / "cows", 10)
    with pytest.raises(UserError, match="expected photos of each class, found none of 'cats', 'cows': "):
        correct(*(f"data/raw/{of}/{number}.jpg,{label}" for of in ("cats", "cows") for number in range(10)))


def test_in_a_class_called_remove_no_photo_can_be_removed() -> None:
    write_photos(PHOTOS / "remove", 10)
    assert not len(correct()["rejected"])
    with pytest.raises(UserError, match="is also a class: rename"):
        correct(f"{DOG},remove")
