"""From folders to photos, each with its class and its part: training, validation or test."""

import re
from pathlib import Path

import pandas as pd

from stages.common.program import UserError

SPLIT_NAMES = ["train", "validation", "test"]
# Names that folders of parts go by elsewhere, and that classes hardly have.
OTHER_NAMES = re.compile(r"(train|training|val|valid|validation|test|testing)([-_ ]?(set|data))?", re.IGNORECASE)


def photo_root(folder: Path) -> Path:
    """Step into the one folder that may enclose all others."""
    while True:
        inner = subfolders(folder)
        if len(inner) != 1 or not subfolders(inner[0]):
            return folder
        folder = inner[0]


def subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def find_photos(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the files of each class.

    Returns:
        ``path``, ``label`` and ``part`` ("train", "validation", "test", or "" where the folders leave that open)
        of the files in class folders, and ``path`` and ``reason`` of those outside.

    Raises:
        UserError: The folders are not laid out as ``split`` says, or a class has no files.
    """
    root = photo_root(folder)
    folders = {inner.name: inner for inner in subfolders(root)}
    given = [part for part in SPLIT_NAMES if part in folders]
    misnamed = [name for name in folders if OTHER_NAMES.fullmatch(name) and name not in SPLIT_NAMES]
    if misnamed or (given and not {"train", "validation"} <= folders.keys()):
        raise UserError(
            f"expected train/ and validation/ in {root}, and perhaps test/, with a folder per class in each, or a "
            f"folder per class and nothing else, received {'/, '.join([*given, *misnamed])}/"
        )
    class_folders = (
        [(part, inner) for part in given for inner in subfolders(folders[part])]
        if given
        else [("", inner) for inner in folders.values()]
    )
    rows = []
    for part, inner in class_folders:
        files = files_below(inner)
        if not files:
            raise UserError(f"expected photos in the class folder {inner}, found none: fill it or delete it")
        rows += [(path.as_posix(), inner.name, part) for path in files]

    photos = pd.DataFrame(rows, columns=["path", "label", "part"])
    strays = sorted({path.as_posix() for path in files_below(folder)} - set(photos["path"]))
    labels = sorted(set(photos["label"]))
    if len(labels) < 2:
        outside = f", and {len(strays)} files outside of any" if strays else ""
        raise UserError(f"expected two or more class folders in {root}, found {labels}{outside}")
    return photos, pd.DataFrame({"path": strays, "reason": "in no class folder"}, dtype=str)
