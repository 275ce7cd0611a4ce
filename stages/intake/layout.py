"""Read the class, and perhaps the split, of each photo from the folders it lies in."""

import re
from pathlib import Path
from typing import NamedTuple

from stages.common.program import UserError

SPLIT_NAMES = ["train", "validation", "test"]
# What folders of splits are called elsewhere, and classes hardly ever.
OTHER_SPLIT_NAMES = re.compile(r"(train(ing)?|val(id|idation)?|test(ing)?)([-_ ]?(set|data))?", re.IGNORECASE)


class LabelledPhoto(NamedTuple):
    path: str
    label: str
    split: str  # one of SPLIT_NAMES, or "" while it is undecided


def find_photos(folder: Path) -> tuple[list[LabelledPhoto], list[str]]:
    """List the files of each class below ``folder``, with the split where the folders give one.

    Returns:
        Every file in a class folder, whether it is a photo or not, and the paths of all other files, sorted.

    Raises:
        UserError: The folders are not laid out as ``stages/split.py`` describes, or a class has no files.
    """
    root = photo_root(folder)
    folders = {inner.name: inner for inner in subfolders(root)}
    given = [split for split in SPLIT_NAMES if split in folders]
    misnamed = [name for name in folders if OTHER_SPLIT_NAMES.fullmatch(name) and name not in SPLIT_NAMES]
    if misnamed or (given and not {"train", "validation"} <= folders.keys()):
        raise UserError(
            f"expected train/ and validation/ in {root}, and perhaps test/, with a folder per class in each, or a "
            f"folder per class and nothing else, received {'/, '.join([*given, *misnamed])}/"
        )
    in_splits = [(split, inner) for split in given for inner in subfolders(folders[split])]
    class_folders = in_splits if given else [("", inner) for inner in folders.values()]
    photos = []
    for split, inner in class_folders:
        files = files_below(inner)
        if not files:
            raise UserError(f"expected photos in the class folder {inner}, found none: add some or delete the folder")
        photos += [LabelledPhoto(path.as_posix(), inner.name, split) for path in files]

    strays = sorted({path.as_posix() for path in files_below(folder)} - {photo.path for photo in photos})
    labels = sorted({photo.label for photo in photos})
    if len(labels) < 2:
        outside = f", and {len(strays)} files outside of any" if strays else ""
        raise UserError(
            f"expected two or more folders in {root}, each named for a class and holding its photos, "
            f"found {', '.join(labels) or 'none'}{outside}"
        )
    return photos, strays


def photo_root(folder: Path) -> Path:
    """Descend through folders that hold a single folder, as archives often do, while that one has subfolders."""
    while len(inner := subfolders(folder)) == 1 and subfolders(inner[0]):
        folder = inner[0]
    return folder


def subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
