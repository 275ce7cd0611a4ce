"""Duplicates and photos of a group: never in two splits, and in a score once."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits

from commands.sample.drawing import draw_animal
from stages.common.cli import MismatchError, UserError
from stages.common.paths import SPLIT_NAMES, SPLITS
from stages.evaluation.report import data_values
from stages.storage.photo_lists import DUPLICATE, read_groups, read_list
from tests.conftest import PHOTOS, SetParams, edit_params, write_photos
from tests.test_split import layout, split_lists, split_photos, write_labels

SCENE = draw_animal("cats", np.random.default_rng(0)).resize((96, 96))


def copy_photo(source: str, *targets: str) -> None:
    for target in targets:
        (PHOTOS / target).write_bytes((PHOTOS / source).read_bytes())


def test_a_column_of_the_labels_keeps_patients_together(workspace: Path, set_params: SetParams) -> None:
    layout({"scans": 24})
    patients = {f"scans/{number}.jpg": f"{number // 3}" for number in range(24)}
    rows = [" ", *(f"{patient},{'ab'[int(patient) % 2]},{path}" for path, patient in patients.items())]
    write_labels("patient,label,path", *rows)
    set_params({"split.group_column": "patient"})
    lists = split_lists()
    of_split = [{patients[path.removeprefix("data/raw/")] for path in lists[split]["path"]} for split in SPLIT_NAMES]
    assert sum(map(len, of_split)) == len(set().union(*of_split)) == 8
    write_labels("patient,label,path", *rows, "7,a,scans/0.jpg")
    with pytest.raises(UserError, match=r"disagree on the patient of scans/0\.jpg \(0, 7\)"):
        split_photos()
    set_params({"split.group_column": "Patient"})
    for columns in ("patient,label,path", "Patient,label,path,Patient"):
        write_labels(columns, *rows)
        received = ", ".join(map(repr, columns.split(",")))
        with pytest.raises(MismatchError, match=rf"'Patient' once in download\.labels, received {received}$"):
            split_photos()
    set_params({"split.group": "(a)"})
    with pytest.raises(UserError, match=r"^params\.yaml: split: expected group or group_column, received both$"):
        split_photos()


def test_duplicates_train_together_and_test_once(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    layout({"cats": 10, "dogs": 10})
    for path in sorted(PHOTOS.rglob("*.jpg")):
        name = path.relative_to(PHOTOS).as_posix()
        copy_photo(name, name.replace("/", "/copy of "), name.replace("/", "/second copy of "))
    (PHOTOS / "a note.txt").write_text("its row of thumbnails comes before those of all photos")
    lists = split_lists()
    assert [len(lists[split]) for split in SPLIT_NAMES] == [3 * 14, 4, 2]
    clusters = [{re.sub("(second )?copy of ", "", path) for path in lists[split]["path"]} for split in SPLIT_NAMES]
    assert len(set().union(*clusters)) == 20
    assert [len(some) for some in clusters] == [14, 4, 2]
    assert lists["rejected"]["reason"].str.startswith(DUPLICATE).sum() == len(lists["rejected"]) - 1 == 2 * (4 + 2)
    assert "usable photos: 60, copies among them: 40" in caplog.text
    assert "validation: copies of other photos there, left out: 8 of 12 (66.7 %), such as data/raw/" in caplog.text


def test_too_many_leaks_and_conflicts_are_an_error(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    layout({f"{name}/{label}": 10 for name in ("train", "validation") for label in ("cats", "dogs")})
    alike = Image.open(PHOTOS / "train/cats/1.jpg").resize((45, 30))  # the hash of which differs by two bits
    alike.save(PHOTOS / "train/dogs/cat.jpg")
    copy_photo("train/dogs/2.jpg", "validation/dogs/2.jpg")
    with pytest.raises(UserError, match=r"to be rejected, received 3 of 41, listed above.* lower split.duplicate_dist"):
        split_photos()
    assert "data/raw/train/dogs/2.jpg: same photo as data/raw/validation/dogs/2.jpg" in caplog.text
    assert "cats/1.jpg: has more than one label: same photo as data/raw/train/dogs/cat.jpg, which has" in caplog.text
    assert not SPLITS.exists()


def test_photos_of_a_group_leave_all_splits_but_one(workspace: Path, set_params: SetParams) -> None:
    layout({f"{name}/{label}": 10 for name in SPLIT_NAMES for label in ("cats", "dogs")})
    write_photos(PHOTOS / "train/cats/tom", 2)
    write_photos(PHOTOS / "validation/cats/tom", 1, first=2)
    set_params({"split.group": "/(tom)/"})
    with pytest.raises(UserError, match=r"at most 1.0% .*, received 2 of 63, listed above"):
        split_photos()
    set_params({"split.max_rejected_fraction": 0.04})
    assert split_lists()["rejected"].to_dict("records") == [
        {"path": f"data/raw/train/cats/tom/{n}.jpg", "reason": "same group as data/raw/validation/cats/tom/2.jpg"}
        for n in (0, 1)
    ]


def test_a_class_whose_photos_all_leak_is_an_error(workspace: Path, set_params: SetParams) -> None:
    layout({f"{name}/{label}": 3 for name in SPLIT_NAMES for label in ("cats", "cows")} | {"train/dogs": 3})
    set_params({"split.group": r"(?:train/dogs|test/cats)/(\d)", "split.max_rejected_fraction": 1.0})
    with pytest.raises(UserError, match="of 'dogs' 0 in train, 0 in validation, 0 in test"):
        split_photos()


@pytest.mark.parametrize("fraction", [0.01, 1.0])
def test_a_fixed_camera_stops_with_the_way_out(workspace: Path, set_params: SetParams, fraction: float) -> None:
    """Here of one scene in changing light."""
    layout({"good": 0, "scratched": 0})
    for number in range(40):
        photo = ImageEnhance.Brightness(SCENE).enhance(0.8 + number / 100)
        photo.save(PHOTOS / ("scratched" if number % 2 else "good") / f"{number}.png")
    set_params({"split.max_rejected_fraction": fraction})
    with pytest.raises(UserError, match=r"lower split\.duplicate_distance, or leave it empty"):
        split_photos()
    set_params({"split.duplicate_distance": None})
    lists = split_lists()
    assert [len(lists[name]) for name in (*SPLIT_NAMES, "rejected")] == [28, 8, 4, 0]


def test_a_cluster_of_most_photos_stops_also_in_training(workspace: Path, set_params: SetParams) -> None:
    """Where it counts once, so that validation and test would have a few others; given splits stay as they are."""
    layout({f"{split}/{label}": 9 for split in SPLIT_NAMES for label in ("good", "scratched")})
    for number in range(40):
        ImageEnhance.Brightness(SCENE).enhance(0.8 + number / 100).save(PHOTOS / f"train/good/alike{number}.png")
    assert len(split_lists()["train"]) == 58
    for split in ("validation", "test"):
        shutil.rmtree(PHOTOS / split)
    with pytest.raises(UserError, match=r"received 39 of 5\d in train, .* leave it empty"):
        split_photos()


def test_digits_that_look_alike_are_an_error(set_params: SetParams, caplog: pytest.LogCaptureFixture) -> None:
    digits = load_digits()
    for number in range(0, 1797, 3):
        folder = PHOTOS / str(digits.target[number])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[number] * 15).astype(np.uint8)).save(folder / f"{number}.png")
    message = r"nearly the same .* in train, \d+ of 119 in validation, as (\S+) and (?!\1)data/raw/\d/\d+.png: if .*"
    message += r"max_copies_fraction to 1.* split.group .* lower split.dup"
    with pytest.raises(UserError, match=message):
        split_photos()
    assert re.search(r"validation: copies of other photos there, left out: \d+ of \d+ \(\d+.\d %\)", caplog.text)
    set_params({"split.max_copies_fraction": 0.5})
    assert split_lists()["rejected"]["reason"].str.startswith(DUPLICATE).any()


def test_copies_are_left_out_and_reported(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In validation, test and training 1, 2 and 1 of them, one that leaks from training into test, and a conflict."""
    layout({f"{name}/{label}": 3 for name in SPLIT_NAMES for label in ("cats", "dogs")})
    copy_photo("test/cats/1.jpg", "test/cats/3.jpg", "test/cats/4.jpg")
    copy_photo("validation/dogs/2.jpg", "validation/dogs/copy.jpg")
    copy_photo("train/cats/1.jpg", "train/cats/copy.jpg")
    copy_photo("test/dogs/1.jpg", "train/dogs/leak.jpg")
    write_photos(PHOTOS / "train/cats", 1, first=3)
    copy_photo("train/cats/3.jpg", "train/dogs/cat.jpg")
    edit_params(Path("params.yaml"), {"split.max_rejected_fraction": 0.2})
    split_photos()
    lists = {name: read_list(name) for name in (*SPLIT_NAMES, "rejected", "copies")}
    assert [len(lists[name]) for name in SPLIT_NAMES] == [7, 6, 6]
    assert lists["test"]["path"].str.startswith("data/raw/test/").all()
    assert lists["copies"].to_numpy().tolist() == [
        ["data/raw/test/cats/3.jpg", "data/raw/test/cats/1.jpg", "test"],
        ["data/raw/test/cats/4.jpg", "data/raw/test/cats/1.jpg", "test"],
        ["data/raw/train/cats/3.jpg", "data/raw/train/dogs/cat.jpg", ""],
        ["data/raw/train/dogs/cat.jpg", "data/raw/train/cats/3.jpg", ""],
        ["data/raw/train/dogs/leak.jpg", "data/raw/test/dogs/1.jpg", ""],
        ["data/raw/validation/dogs/copy.jpg", "data/raw/validation/dogs/2.jpg", "validation"],
    ]
    assert lists["rejected"]["reason"][0] == "same photo as data/raw/test/cats/1.jpg"
    assert "test: copies of other photos there, left out: 2 of 8 (25.0 %)" in caplog.text
    assert data_values(lists)["copies"] == ["1 of validation (14.3 %)", "2 of test (25.0 %)"]


def test_training_photos_of_one_group_are_listed(workspace: Path, set_params: SetParams) -> None:
    """Duplicates and groups; not those of test, nor what is left out."""
    layout({f"{name}/{label}": 6 for name in SPLIT_NAMES for label in ("cats", "dogs")})
    copy_photo("train/cats/1.jpg", "train/cats/copy.jpg")
    copy_photo("validation/dogs/2.jpg", "validation/dogs/copy.jpg")
    copy_photo("test/dogs/3.jpg", "train/dogs/leak.jpg")
    write_photos(PHOTOS / "new", 4)
    grouped = ["train/cats/rex_7.jpg", "train/dogs/rex_8.jpg", "test/cats/max_1.jpg", "test/cats/max_2.jpg"]
    for number, name in enumerate(grouped):
        (PHOTOS / f"new/{number}.jpg").rename(PHOTOS / name)
    (PHOTOS / "new").rmdir()
    set_params({"split.max_rejected_fraction": 0.1, "split.group": r"/([a-z]+)_\d"})
    split_photos()
    assert pd.read_csv(SPLITS / "groups.csv").to_numpy().tolist() == [
        ["data/raw/train/cats/1.jpg", "data/raw/train/cats/1.jpg"],
        ["data/raw/train/cats/copy.jpg", "data/raw/train/cats/1.jpg"],
        ["data/raw/train/cats/rex_7.jpg", "data/raw/train/cats/rex_7.jpg"],
        ["data/raw/train/dogs/rex_8.jpg", "data/raw/train/cats/rex_7.jpg"],
    ]
    groups = read_groups(pd.Series(["data/raw/train/cats/1.jpg", "data/raw/train/dogs/rex_8.jpg", "alone.jpg"]))
    assert groups.tolist() == ["data/raw/train/cats/1.jpg", "data/raw/train/cats/rex_7.jpg", "alone.jpg"]
