"""Read the class, and perhaps the split, of each photo from the folders it lies in, or the class from a CSV."""

import csv
import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from unicodedata import category

from stages.common.program import UserError
from stages.photos.lists import NO_CLASS, NO_FILE, NO_LABEL, TWO_LABELS

logger = logging.getLogger(__name__)

SPLIT_NAMES = ["train", "validation", "test"]
# What people call the folders of splits, and classes hardly ever: in any case, and also as "train_set" or "Test data".
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
SUFFIX = re.compile(r"[-_ ]?(set|data)$")


class LabelledPhoto(NamedTuple):
    path: str
    label: str
    split: str  # one of SPLIT_NAMES, or "" while it is undecided
    name: str  # its path from the class folder on, or as in the CSV: the same in any outer folder


def find_photos(folder: Path, labels: Path) -> tuple[list[LabelledPhoto], dict[str, str]]:
    """List the files below ``folder`` that have a class, with the split where the folders give one.

    Args:
        folder: of the photos.
        labels: the CSV of ``download.labels``. If there is no such file, the classes are folders.

    Returns:
        Every file with a class, whether it is a photo or not, and the reason for each other file by its path, sorted.

    Raises:
        UserError: The folders are not laid out as ``stages/split.py`` describes, the CSV has no paths and labels, there
            are fewer than two classes, or a class has no files.
    """
    return photos_in_csv(folder, labels) if labels.exists() else photos_in_folders(folder)


def photos_in_folders(folder: Path) -> tuple[list[LabelledPhoto], dict[str, str]]:
    """Take each photo's class, and perhaps its split, from the folders it lies in."""
    root = photo_root(folder)
    inner = subfolders(root)
    splits = {path: split for path in inner if (split := split_of(path.name))}
    given = set(splits.values())
    if splits and not ("train" in given and len(given) == len(splits) >= 2):
        received = ", ".join(f"{path.name}/ ({split})" for path, split in splits.items())
        others = f" and {len(inner) - len(splits)} other folders" if len(inner) > len(splits) else ""
        raise UserError(
            f"expected in {root} a folder per class, none named like a split, or one folder for train and one for "
            f"validation, test or both, with a folder per class in each, received {received}{others}"
        )

    class_folders = [(path, split) for parent, split in (splits or {root: ""}).items() for path in subfolders(parent)]
    photos = []
    for path, split in class_folders:
        files = files_below(path)
        if not files:
            raise UserError(f"expected photos in the class folder {path}, found none: add some or delete the folder")
        photos += [
            LabelledPhoto(file.as_posix(), path.name, split, file.relative_to(path.parent).as_posix()) for file in files
        ]

    strays = sorted({path.as_posix() for path in files_below(folder)} - {photo.path for photo in photos})
    labels = sorted({photo.label for photo in photos})
    if len(labels) < 2:
        outside = f", and {len(strays)} files outside of any" if strays else ""
        raise UserError(
            f"expected two or more folders in {root}, each named for a class and holding its photos, "
            f"found {', '.join(labels) or 'none'}{outside}"
        )
    return photos, dict.fromkeys(strays, NO_CLASS)


def photos_in_csv(folder: Path, labels: Path) -> tuple[list[LabelledPhoto], dict[str, str]]:
    """Take each photo's class from a CSV, whatever folders it lies in.

    Paths in the CSV start in ``folder`` or, as archives often have an outer folder, in a folder that is alone there.
    """
    listed = read_labels(labels, "download.labels")
    files = set(files_below(folder))
    root = folder
    while not any(root / name in files for name in listed) and len(inner := subfolders(root)) == 1:
        root = inner[0]
    check_paths(listed, root, files)

    photos = []
    rejected = {file.as_posix(): NO_LABEL for file in files}
    for name, classes in sorted(listed.items()):
        path = (root / name).as_posix()
        if path not in rejected:
            rejected[path] = NO_FILE
        elif len(classes) > 1:
            rejected[path] = f"{TWO_LABELS} in download.labels: {', '.join(sorted(classes))}"
        elif classes:
            del rejected[path]
            photos.append(LabelledPhoto(path, min(classes), "", name.as_posix()))

    folders = {parent for photo in photos for parent in PurePosixPath(photo.name).parents}
    held_out = [folder for folder in folders if split_of(folder.name) in ("validation", "test")]
    if held_out:
        logger.warning(
            "the folder %s gives no split: where download.labels gives the classes, all photos are split by "
            "split.validation_fraction and split.test_fraction",
            root / min(held_out),
        )
    found = sorted({photo.label for photo in photos})
    lost = sorted(set().union(*listed.values()) - set(found))
    if lost:
        name = min(name for name, classes in listed.items() if lost[0] in classes)
        raise UserError(
            f"download.labels: expected photos of every class, found none of {lost[0]!r}: {root / name}: "
            f"{rejected[(root / name).as_posix()]}"
        )
    if len(found) < 2:
        raise UserError(f"download.labels: expected two or more classes, received {', '.join(found) or 'none'}")
    return photos, dict(sorted(rejected.items()))


def check_paths(listed: Iterable[PurePosixPath], root: Path, files: set[Path]) -> None:
    """Raise a UserError if the paths start above the photos' folder, and so name none of the ``files`` in ``root``."""
    if any(root / name in files for name in listed):
        return
    for name in listed:
        for start in range(1, len(name.parts)):
            rest = PurePosixPath(*name.parts[start:])
            if root / rest in files:
                raise UserError(
                    f"download.labels: expected paths from the folder of the photos on, as {rest}, received {name}: "
                    "leave out what comes before"
                )


def read_labels(labels: Path, name: str) -> dict[PurePosixPath, set[str]]:
    """Read the labels of each path, usually one; columns other than ``path`` and ``label`` are ignored.

    Raises:
        UserError: The CSV cannot be read, has no such columns or a row without a path; messages start with ``name``.
    """
    listed = defaultdict(set)
    try:
        with labels.open(encoding="utf-8-sig", newline="") as file:  # Excel starts a file with a byte order mark
            rows = csv.DictReader(file, skipinitialspace=True, strict=True)
            columns = rows.fieldnames or []
            if not {"path", "label"} <= set(columns):
                raise UserError(f"{name}: expected the columns path and label, received {', '.join(columns) or 'none'}")
            for row in rows:
                path, label = row["path"] or "", " ".join((row["label"] or "").split())  # no spaces around it
                if not path or any(category(character) == "Cc" for character in path + label):
                    raise UserError(
                        f"{name}: expected a path and a label without control characters in line "
                        f"{rows.line_num}, received {path!r} and {label!r}"
                    )
                listed[PurePosixPath(path)].update([label] if label else [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{name}: expected a CSV in UTF-8, received: {error}") from error
    return listed


def split_of(folder: str) -> str | None:
    """Tell which split a folder is for by its name, if any."""
    return SPLIT_FOLDERS.get(SUFFIX.sub("", folder.lower()))


def photo_root(folder: Path) -> Path:
    """Descend through folders that hold a single folder, as archives often do, while that one has subfolders."""
    while len(inner := subfolders(folder)) == 1 and subfolders(inner[0]):
        folder = inner[0]
    return folder


def subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def files_below(folder: Path) -> list[Path]:
    def fail(error: OSError) -> None:  # where rglob would leave out a folder that may not be read
        raise error

    paths = (Path(parent, name) for parent, _, names in os.walk(folder, onerror=fail) for name in names)
    return sorted(path for path in paths if path.is_file())
