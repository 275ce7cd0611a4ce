import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages import split, thumbnails
from stages.common.cli import UserError
from stages.common.paths import LABELS, RAW, SPLIT_NAMES, SPLITS, THUMBNAILS
from stages.data.layout import photo_table
from stages.storage.photo_lists import SIDECAR, count_rejected
from tests.conftest import PHOTOS, SetParams, pack_photos, write_photos


def layout(photos: dict[str, int]) -> None:
    for folder, count in photos.items():
        write_photos(PHOTOS / folder, count)


def write_labels(*lines: str) -> None:
    LABELS.mkdir(parents=True, exist_ok=True)
    (LABELS / "labels.csv").write_text("\n".join(lines))


def label_photos(*names: str) -> None:
    """Write a CSV of labels: every second name is a cat."""
    write_labels("path,label", *(f"{name},{'dogs' if index % 2 else 'cats'}" for index, name in enumerate(names)))


def split_photos() -> None:
    pack_photos()
    thumbnails.main()
    split.main()


def split_lists() -> dict[str, pd.DataFrame]:
    split_photos()
    return {name: pd.read_csv(SPLITS / f"{name}.csv") for name in (*SPLIT_NAMES, "rejected")}


def test_photos_are_ranked_by_a_hash_of_seed_and_path(workspace: Path) -> None:
    """From the class folder on, and split by the fractions; the lists are sorted by path."""
    layout({"cats and others/cats": 10, "cats and others/dogs": 20})
    lists = split_lists()
    expected: dict[str, list[str]] = {"test": [], "validation": [], "train": []}
    for label, tenth in (("cats", 1), ("dogs", 2)):
        paths = [f"{label}/{number}.jpg" for number in range(10 * tenth)]
        ranked = sorted(paths, key=lambda path: hashlib.sha256(f"0 {path}".encode()).digest())
        parts = ranked[:tenth], ranked[tenth : 3 * tenth], ranked[3 * tenth :]
        for name, part in zip(expected, parts, strict=True):
            expected[name] += part
    for name, paths in expected.items():
        assert list(lists[name]["path"].str.removeprefix("data/raw/cats and others/")) == sorted(paths)


def test_files_that_are_not_photos_are_rejected(workspace: Path, set_params: SetParams) -> None:
    """Each with the reason; what is a photo is told by content, whatever its suffix."""
    layout({"cats": 10, "dogs": 10})
    (PHOTOS / "cats/empty.jpg").touch()
    (PHOTOS / "cats/notes.txt").write_text("no photo")
    (PHOTOS / "dogs/cut.jpg").write_bytes((PHOTOS / "dogs/0.jpg").read_bytes()[:-200])
    (PHOTOS / "readme.md").write_text("outside")
    Image.new("RGB", (50, 50)).save(PHOTOS / "cats/large.png")
    Image.new("RGB", (20, 30), "red").save(PHOTOS / "cats/red.jpg", format="PNG")
    Image.new("RGB", (20, 30), "blue").save(PHOTOS / "dogs/blue", format="JPEG")
    set_params({"split.max_rejected_fraction": 0.2, "split.max_megapixels": 0.002})
    lists = split_lists()
    rejected = lists["rejected"].set_index("path")["reason"]
    assert "an empty file" in rejected["data/raw/cats/empty.jpg"]
    assert "a text file" in rejected["data/raw/cats/notes.txt"]
    assert "truncated" in rejected["data/raw/dogs/cut.jpg"]
    assert rejected["data/raw/readme.md"] == "in no class folder"
    assert "has 0.0025 megapixels, above the limit of 0.002" in rejected["data/raw/cats/large.png"]
    assert list(rejected.index) == sorted(rejected.index)
    assert len(rejected) == 5
    assert sum(len(lists[name]) for name in SPLIT_NAMES) == 22


def test_as_many_rejected_as_allowed_do_not_stop_the_run() -> None:
    """Though 0.29 * 100 is less than 29 in floating point."""
    names = [f"{number}.jpg" for number in range(100)]
    rows = [(name, name, "cats", "", "cannot be decoded" if index < 29 else "") for index, name in enumerate(names)]
    assert split.check_rejected_fraction(photo_table(rows), 0.29) is None
    problem = split.check_rejected_fraction(photo_table(rows), 0.28)
    assert "at most 28.0% of the photos to be rejected, received 29 of 100" in str(problem)


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        ({"cats": 9}, "two or more classes, .* folders with their photos .*, found cats .with data/raw/cats/0.jpg"),
        ({"": 3}, r"found none, and 3 files without a class, such as data/raw/0.jpg \(data/raw is a copy"),
        ({"cats": 9, "dogs": 2}, r"every class, found of 'dogs' 0 in train, 1 in validation, 1 in test .data/raw is"),
        ({"train/a": 9, "train/c": 9, "val/a": 9, "val/b": 9}, "of 'b' 0 in train, 7 in validation, 2 in test"),
    ],
)
def test_photos_that_cannot_be_split_are_an_error(workspace: Path, photos: dict[str, int], message: str) -> None:
    layout(photos)
    with pytest.raises(UserError, match=message):
        split_photos()
    assert not SPLITS.exists()


def test_a_file_beside_no_photo_of_its_name_counts(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    """So does a damaged photo, whatever is beside it."""
    layout({"cats": 10, "dogs": 10})
    (PHOTOS / "cats/0").write_bytes((PHOTOS / "cats/0.jpg").read_bytes())
    for name in ("cats/raw", "cats/10.NEF", "dogs/b/0.NEF", "dogs/1.png"):
        (PHOTOS / name).parent.mkdir(exist_ok=True)
        (PHOTOS / name).write_bytes(b"II*\0")
    with pytest.raises(UserError, match=r"at most 1.0% .*, received 4 of 25, listed above: .* raise split.max"):
        split_photos()
    for path in ("dogs/b/0.NEF", "dogs/1.png"):
        assert f"data/raw/{path}: cannot be decoded: " in caplog.text
    assert not SPLITS.exists()


def test_only_photos_outside_of_class_folders_count_as_rejected(workspace: Path) -> None:
    layout({"train/cats": 10, "train/dogs": 10, "validation/cats": 10, "validation/dogs": 10})
    (PHOTOS / "readme.md").write_text("outside")
    assert list(split_lists()["rejected"]["path"]) == ["data/raw/readme.md"]
    layout({"more/cats": 10})
    (PHOTOS / "more/cats/0.jpg").rename(PHOTOS / "more/cats/0.edited.JPG")
    with pytest.raises(UserError, match=r"received 10 of 50, listed above"):
        split_photos()


@pytest.mark.usefixtures("workspace")
def test_sidecar_files_are_listed_and_count_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    layout({"cats": 10, "dogs": 10})
    for suffix in (".AAE", ".MOV", ".MP", ".mp4", ".xmp", ".jpg.json", ".xml"):
        (PHOTOS / "cats/0").with_suffix(suffix).write_text("no photo")
    (PHOTOS / "cats/0.THM").write_bytes((PHOTOS / "cats/0.jpg").read_bytes())
    (PHOTOS / "cats/2.jpg").rename(PHOTOS / "cats/2.txt")  # a photo all the same
    (PHOTOS / "cats/1.NEF").write_bytes(b"II*\0")
    lists = split_lists()
    assert sum(len(lists[name]) for name in SPLIT_NAMES) == 20
    assert len(lists["rejected"]) == 9
    assert lists["rejected"]["reason"].str.startswith(SIDECAR).all()
    assert "9 of them are notes, films and the like beside photos, such as data/raw/cats/0.AAE" in caplog.text
    assert set(count_rejected(lists["rejected"]).values()) == {0}


@pytest.mark.usefixtures("workspace")
def test_archives_beside_photos_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """Each may hold a class of its own."""
    layout({"cats": 10, "dogs": 10})
    for name in ("birds.zip", "more.TAR.GZ"):
        (PHOTOS / name).write_bytes(b"PK\3\4")
    split_photos()
    assert "archives among the photos are not read: 2, such as data/raw/birds.zip: unpack any" in caplog.text


@pytest.mark.parametrize(("listed", "received"), [(43, "3 of 43"), (30, "10 of 40")])
def test_names_without_a_suffix_count_where_labels_are_listed(workspace: Path, listed: int, received: str) -> None:
    """More names than files, or more files than names; the dot of their folder is no suffix."""
    write_photos(PHOTOS / "v1.0", 40)
    for path in (PHOTOS / "v1.0").iterdir():
        path.rename(path.with_suffix(""))
    label_photos(*(f"v1.0/{number}" for number in range(listed)))
    with pytest.raises(UserError, match=f"to be rejected, received {received}, listed above"):
        split_photos()


@pytest.mark.usefixtures("workspace")
def test_what_a_csv_lists_is_no_sidecar_file(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever its suffix: a photo is used, and another file counts as rejected."""
    write_photos(PHOTOS, 40)
    names = [f"{number}.jpg" for number in range(40)]
    names[0] = (PHOTOS / names[0]).rename(PHOTOS / "0.thm").name
    (PHOTOS / "notes.pdf").write_text("not listed")
    label_photos(*names)
    lists = split_lists()
    assert sum(len(lists[name]) for name in SPLIT_NAMES) == 40
    assert list(lists["rejected"]["path"]) == ["data/raw/notes.pdf"]
    (PHOTOS / "scan.pdf").write_bytes(b"%PDF-1.4")
    label_photos(*names, "scan.pdf")
    with pytest.raises(UserError, match=r"received 1 of 41, listed above"):
        split_photos()
    assert "data/raw/scan.pdf: cannot be decoded: is a PDF" in caplog.text


def test_a_class_without_usable_photos_is_an_error(
    workspace: Path, set_params: SetParams, caplog: pytest.LogCaptureFixture
) -> None:
    """However many may be rejected."""
    layout({"cats": 10, "dogs": 10})
    set_params({"split.max_rejected_fraction": 1.0})
    (PHOTOS / "cows").mkdir()
    for name in ("cows/0.jpg", "cats/one of many.jpg"):
        (PHOTOS / name).write_text("no photo")
    with pytest.raises(UserError, match=r"none of 'cows': data/raw/cows/0.jpg: cannot be decoded"):
        split_photos()
    assert "one of many" not in caplog.text
    (PHOTOS / "cows/0.jpg").unlink()
    for photo in (PHOTOS / "dogs").iterdir():
        (PHOTOS / "cows" / photo.name).write_bytes(photo.read_bytes())
    with pytest.raises(UserError, match=r"none of 'cows', 'dogs': .*: same photo as .*/dogs/0.jpg, which has another"):
        split_photos()
    for path in PHOTOS.rglob("*.jpg"):
        path.write_text("no photo")
        path.with_suffix(".json").write_text("{}")
    with pytest.raises(UserError, match=r"none of 'cats', 'cows', 'dogs': data/raw/cats/0.jpg: cannot be decoded"):
        split_photos()
    assert "data/raw/dogs/9.jpg: cannot be decoded" in caplog.text
    assert ".json" not in caplog.text
    assert not SPLITS.exists()


def test_files_with_more_frames_are_counted(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Except those of an MPO, which is a JPEG under either suffix."""
    layout({"cats": 10, "dogs": 10})
    for number, name in enumerate(["pages.tiff", "film.gif", "film.webp", "film.png", "pair.mpo", "pair.jpg"]):
        frames = [Image.effect_noise((16, 16), 50 + number).convert("RGB") for _ in range(3)]
        options = {"format": "MPO"} if "pair" in name else {}
        frames[0].save(PHOTOS / "cats" / name, save_all=True, append_images=frames[1:], **options)
    Image.effect_noise((16, 16), 90).save(PHOTOS / "cats/one.gif")
    split_photos()
    assert "frames than the first, the only one that is read: 4, such as data/raw/cats/film.gif" in caplog.text


def write_splits(*values: str) -> None:
    """Write a CSV of a photo of cats and one of dogs for each value of a column ``fold``, and a line of spaces."""
    layout({"cats": len(values), "dogs": len(values)})
    rows = [f"{label},{fold},{label}/{index}.jpg" for label in ("cats", "dogs") for index, fold in enumerate(values)]
    write_labels("label,fold,path", " ", *rows)


def test_a_column_of_the_labels_gives_the_splits(workspace: Path, set_params: SetParams) -> None:
    """By the names that folders may have; photos without a label need none."""
    write_splits("train", "Val", "testing", "Train_set", "test")
    with (LABELS / "labels.csv").open("a") as file:
        file.write("\ncats,,missing.jpg")
    write_photos(PHOTOS / "others", 1)
    set_params({"split.split_column": "fold", "split.max_rejected_fraction": 0.2})
    lists = split_lists()
    for split_name, numbers in {"train": [0, 3], "validation": [1], "test": [2, 4]}.items():
        expected = [f"data/raw/{label}/{number}.jpg" for label in ("cats", "dogs") for number in numbers]
        assert list(lists[split_name]["path"]) == expected
    assert list(lists["rejected"]["path"]) == ["data/raw/missing.jpg", "data/raw/others/0.jpg"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("train", "val", "3"), "train, validation or test for each photo, received '3' for cats/2.jpg"),
        (("train", "val", ""), "train, validation or test for each photo, received '' for cats/2.jpg"),
        (("test", "val"), "train and validation, test or both, received test, validation alone"),
    ],
)
def test_a_column_of_other_splits_is_refused(
    workspace: Path, set_params: SetParams, values: tuple[str, ...], message: str
) -> None:
    write_splits(*values)
    set_params({"split.split_column": "fold"})
    with pytest.raises(UserError, match=rf"^split.split_column: expected {message}$"):
        split_photos()


def test_of_many_classes_without_a_photo_a_few_are_named(workspace: Path) -> None:
    """Or the example, which says what is wrong with the paths, would be far to the right."""
    layout({"photos": 30})
    write_labels("path,label", *(f"{index}.jpeg,class {index:02}" for index in range(30)))
    message = r"'class 03', 'class 04' and 25 more: '0.jpeg' is .* has files such as '0.jpg'"
    with pytest.raises(UserError, match=message):
        split_photos()


def test_a_missing_step_before_is_named(workspace: Path) -> None:
    with pytest.raises(UserError, match=r"^expected photos in data/raw, found none: run `dvc repro download`$"):
        thumbnails.main()
    with pytest.raises(UserError, match=r"^expected data/thumbnails/files.csv, .* `dvc repro thumbnails`$"):
        split.main()


def test_thumbnails_of_other_files_are_refused(workspace: Path) -> None:
    layout({"cats": 5, "dogs": 5})
    split_photos()
    files = THUMBNAILS / "files.csv"
    header, *rows = files.read_text().splitlines()
    repeated = [rows[0], *rows[:-1]]
    for lines, dtype in ((rows[:-1], "u1"), (rows[::-1], "u1"), (repeated, "u1"), (rows, "f4")):
        files.write_text("\n".join([header, *lines]))
        np.save(THUMBNAILS / "thumbnails.npy", np.zeros((10, 3, 32, 32), dtype))
        with pytest.raises(UserError, match=r"^expected data/thumbnails as .*: run `dvc repro thumbnails`$"):
            split.main()
    thumbnails.main()
    shutil.rmtree(RAW)  # as where DVC pulled the thumbnails alone
    split.main()
    write_photos(PHOTOS / "cats", 6)
    pack_photos()
    with pytest.raises(
        UserError, match=r"^data/thumbnails: expected thumbnails of the photos in data/raw, .*thumbnails`$"
    ):
        split.main()


def test_all_that_stops_the_run_is_reported_at_once(workspace: Path) -> None:
    layout({"cats": 9, "dogs": 2, "foxes": 1, "geese": 2})
    (PHOTOS / "cats/empty.jpg").touch()
    with pytest.raises(UserError) as raised:
        split_photos()
    rejected, lacking = str(raised.value).splitlines()
    assert rejected.startswith("expected at most 1.0% of the photos to be rejected, received 1 of 15, listed above")
    assert lacking.startswith("and expected three different photos or groups (split.group) of every class, found of")
    assert "of 'dogs' 0 in train, 1 in validation, 1 in test, and too few of 'foxes', 'geese' (data/raw" in lacking
    assert lacking.endswith("`dvc repro --force download && dvc repro`)")
