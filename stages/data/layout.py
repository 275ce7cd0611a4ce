"""Read the class, and perhaps the split, of each photo from the folders it lies in, or the class from a CSV."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from unicodedata import normalize

from stages.common.cli import UserError
from stages.data.label_csv import clean, match_names, read_labels, similar_names
from stages.storage.folders import SIDECAR_SUFFIXES, is_hidden
from stages.storage.photo_lists import NO_CLASS, NO_FILE, NO_LABEL, TWO_LABELS

logger = logging.getLogger(__name__)

SPLIT_NAMES = ["train", "validation", "test"]
# What people call the folders of splits, and classes hardly ever.
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
}
# In lower case: also "train_set", "test data" and "val2017"; and "seg_train", where others begin alike.
SPLIT_FOLDER = re.compile(
    rf"(.*[-_ .])?({'|'.join(SPLIT_FOLDERS)})(?:[-_ .]*(?:data|set|split|files|images?|imgs?|photos?|pictures?|\d+))*"
)


class LabelledPhoto(NamedTuple):
    path: str
    label: str
    split: str  # one of SPLIT_NAMES, or "" while it is undecided
    name: str  # its path from the class folder on, or as in the CSV: the same in any outer folder


class ClassFolder(NamedTuple):
    """A folder, or one for a split in it, whose photos at any depth are of one class and in one split."""

    label: str
    split: str
    start: Path  # in which the names of its photos start


class Tree(NamedTuple):
    """The files below a folder, without the system's own, and the folders in which some are meant as photos."""

    files: list[Path]  # of any kind, sorted
    with_photos: set[Path]  # the folders with photos right in them
    inner: dict[Path, list[Path]]  # of each folder the subfolders with photos at any depth, sorted
    without_photos: list[Path]  # the folders without photos at any depth


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
    tree = read_tree(folder)
    return photos_in_csv(folder, tree, labels) if labels.exists() else photos_in_folders(folder, tree)


def photos_in_folders(folder: Path, tree: Tree) -> tuple[list[LabelledPhoto], dict[str, str]]:
    """Take each photo's class, and perhaps its split, from the folders it lies in."""
    root = descend(folder, tree)
    inner = tree.inner[root]
    splits = split_folders(inner)
    if splits and not are_complete(splits.values()):
        others = f" and {len(inner) - len(splits)} other folders" if len(inner) > len(splits) else ""
        raise UserError(
            f"expected in {root} a folder per class, none named like a split, or one folder for train and one for "
            f"validation, test or both, with a folder per class in each, received {describe(splits)}{others}"
        )
    tops = {descend(path, tree): split for path, split in splits.items()} or {root: ""}
    check_not_empty(root, tops, tree)
    folders = class_folders(tops, tree)
    containing = {
        parent: next((path for path in (parent, *parent.parents) if path in folders), None)
        for parent in {file.parent for file in tree.files}
    }
    for path in sorted(tree.with_photos):
        if folder_of := containing[path]:
            check_named(path, root, folders[folder_of])

    photos, strays = [], []
    for file in tree.files:
        if folder_of := containing[file.parent]:
            label, split, start = folders[folder_of]
            name = normalize("NFC", file.relative_to(start).as_posix())
            photos.append(LabelledPhoto(file.as_posix(), label, split, name))
        else:
            strays.append(file.as_posix())
    labels = sorted({photo.label for photo in photos})
    if len(labels) < 2:
        outside = f", and {len(strays)} files outside of any" if strays else ""
        raise UserError(
            f"expected a CSV of the classes (download.labels), or two or more folders in {root}, each named for a "
            f"class and holding its photos, found {', '.join(labels) or 'none'}{outside}"
        )
    return photos, dict.fromkeys(sorted(strays), NO_CLASS)


def class_folders(tops: Mapping[Path, str], tree: Tree) -> dict[Path, ClassFolder]:
    """Find the folders of classes in those of splits, or those of splits in those of classes.

    Args:
        tops: the folders that hold the class folders, each with the split that it is for, or "".
    """
    splits = {path: split for top, split in tops.items() for path in tree.inner[top]}
    names = {path.name for path in splits}
    below = {}
    for path in splits:
        content = path
        while content not in tree.with_photos and len(inner := tree.inner[content]) == 1:
            if split_of(inner[0].name) or (inner[0].name in names and inner[0].name != path.name):
                break
            content = inner[0]
        below[path] = {} if content in tree.with_photos else split_folders(tree.inner[content])
        if content not in tree.with_photos and not below[path]:
            raise UserError(
                f"expected photos in the class folder {path}, found only folders there, as "
                f"{', '.join(f'{inner.relative_to(path)}/' for inner in tree.inner[content][:2])}: put the photos of "
                "each class into one folder, or write their classes into a CSV (download.labels)"
            )

    found = {}
    named = [split for path in splits if not splits[path] for split in below[path].values()]
    for path, split in splits.items():
        label = clean(path.name) or path.name
        if split or not named:
            found[path] = ClassFolder(label, split, path.parent)
            continue
        values = list(below[path].values())
        if not values or len(set(values)) < len(values) or not are_complete(set(named)):
            raise UserError(
                "expected photos in every class folder, or in every one a folder for train and one for validation, "
                f"test or both, received in {path} {describe(below[path]) or 'photos'}"
            )
        found |= {inner: ClassFolder(label, split, path.parent) for inner, split in below[path].items()}
    return found


def check_not_empty(root: Path, tops: Mapping[Path, str], tree: Tree) -> None:
    """Raise a UserError if a folder that would be a class or a split has no photos."""
    for path in tree.without_photos:
        if path.parent in tops or (path.parent == root and split_of(path.name)):
            raise UserError(f"expected photos in the class folder {path}, found none: add some or delete the folder")
    for path, split in tops.items():
        if split and not tree.inner[path]:
            raise UserError(
                f"expected a folder per class in {path}, found photos alone: put them into folders, write their "
                "classes into a CSV (download.labels), or delete them"
            )


def check_named(folder: Path, root: Path, of_class: ClassFolder) -> None:
    """Raise a UserError if a folder, or one above it in ``root``, is named like another split than its photos have.

    In folders for splits a class may have such a name.
    """
    above, (_, *below) = of_class.start.relative_to(root).parts, folder.relative_to(of_class.start).parts
    split = of_class.split
    others = {named for part in (*above, *below) if (named := split_of(part))} - {split}
    if others:
        raise UserError(
            f"expected folders that name one split, or none, received {folder} ({', '.join(sorted(others))}) for "
            f"photos of {split or 'no split'}: rename or move it"
        )


def photos_in_csv(folder: Path, tree: Tree, labels: Path) -> tuple[list[LabelledPhoto], dict[str, str]]:
    """Take each photo's class from a CSV, whatever folders it lies in.

    Paths in the CSV start in ``folder`` or, as archives often have an outer folder, in a folder that is alone there.
    """
    listed = read_labels(labels, "download.labels")
    root = find_root(folder, tree, listed)
    names = names_below(root, tree)
    found = match_names(listed, names)
    similar = similar_names(found.keys() - names, names)
    photos = []
    rejected = {file.as_posix(): NO_LABEL for file in tree.files}
    for name, classes in sorted(found.items(), key=lambda item: PurePosixPath(item[0])):
        path = (root / name).as_posix()
        if name not in names:
            rejected[path] = NO_FILE + (", which has {}: {}".format(*similar[name]) if name in similar else "")
        elif len(classes) > 1:
            rejected[path] = f"{TWO_LABELS} in download.labels: {', '.join(sorted(classes))}"
        elif classes:
            del rejected[path]
            photos.append(LabelledPhoto(path, min(classes), "", normalize("NFC", name)))

    folders = {parent for photo in photos for parent in PurePosixPath(photo.name).parents}
    held_out = [folder for folder in folders if split_of(folder.name) in ("validation", "test")]
    if held_out:
        logger.warning(
            "the folder %s gives no split: where download.labels gives the classes, all photos are split by "
            "split.validation_fraction and split.test_fraction",
            root / min(held_out),
        )
    with_photos = sorted({photo.label for photo in photos})
    lost = sorted(set().union(*found.values()) - set(with_photos))
    if lost:
        name = min(name for name, classes in found.items() if lost[0] in classes)
        exists = f"; {min(names)}, for one, exists" if names and name not in names else ""
        raise UserError(
            f"download.labels: expected photos of every class, found none of {lost[0]!r}: {root / name}: "
            f"{rejected[(root / name).as_posix()]}{exists}"
        )
    if len(with_photos) < 2:
        received = ", ".join(with_photos) or "none"
        raise UserError(f"download.labels: expected two or more classes, received {received}")
    return photos, dict(sorted(rejected.items()))


def find_root(folder: Path, tree: Tree, listed: Mapping[PurePosixPath, set[str]]) -> Path:
    """Find the folder in which paths of a CSV start: ``folder``, or the one inside that is alone there.

    Raises:
        UserError: They start in none, as they are written differently from the names of the files.
    """
    roots = [folder]
    while len(inner := tree.inner[roots[-1]]) == 1:
        roots.append(inner[0])
    for root in roots:
        names = names_below(root, tree)
        if not names.isdisjoint(match_names(listed, names)):
            return root
    for root in reversed(roots):
        similar = similar_names([path.as_posix() for path in listed], names_below(root, tree))
        for name, (example, difference) in sorted(similar.items())[:1]:
            raise UserError(
                f"download.labels: expected paths from the folder of the photos on, as {example}, received {name}: "
                f"{difference}"
            )
    return folder


def names_below(root: Path, tree: Tree) -> set[str]:
    prefix = f"{root.as_posix()}/"
    return {path.removeprefix(prefix) for file in tree.files if (path := file.as_posix()).startswith(prefix)}


def split_of(folder: str) -> str | None:
    """Return which split a folder is for by its name, if any."""
    match = SPLIT_FOLDER.fullmatch(folder.lower())
    return SPLIT_FOLDERS[match[2]] if match and not match[1] else None


def split_folders(folders: Iterable[Path]) -> dict[Path, str]:
    """Find those of the folders, which lie side by side, that are for splits.

    Names such as ``seg_train`` count only where there are two that begin alike, one of them for training.
    """
    found: dict[str, dict[Path, str]] = defaultdict(dict)
    for path in folders:
        if match := SPLIT_FOLDER.fullmatch(path.name.lower()):
            found[match[1] or ""][path] = SPLIT_FOLDERS[match[2]]
    return found[""] or next((splits for splits in found.values() if are_complete(splits.values())), {})


def are_complete(splits: Iterable[str]) -> bool:
    """Return whether the splits are training and others, each once."""
    listed = list(splits)
    return "train" in listed and len(set(listed)) == len(listed) >= 2


def describe(splits: Mapping[Path, str]) -> str:
    return ", ".join(f"{path.name}/ ({split})" for path, split in splits.items())


def descend(folder: Path, tree: Tree) -> Path:
    """Descend through folders that hold a single folder, as archives often do, while that one has subfolders."""
    while len(inner := tree.inner[folder]) == 1 and tree.inner[inner[0]]:
        folder = inner[0]
    return folder


def read_tree(folder: Path) -> Tree:
    def fail(error: OSError) -> None:  # where rglob would leave out a folder that may not be read
        raise error

    walked = [(Path(parent), names) for parent, _, names in os.walk(folder, onerror=fail)]
    visible = [(path, names) for path, names in walked if not is_hidden(PurePosixPath(path.relative_to(folder)))]
    listed = [path / name for path, names in visible for name in names if not is_hidden(PurePosixPath(name))]
    if left_out := sum(len(names) for _, names in walked) - len(listed):
        logger.info("left out %d hidden files, or files of the system's own, in %s", left_out, folder)
    files = sorted(path for path in listed if path.is_file())
    with_photos = {path.parent for path in files if path.suffix.lower() not in SIDECAR_SUFFIXES}
    inner: dict[Path, list[Path]] = defaultdict(list)
    holding = {above for path in with_photos for above in (path, *path.parents)}
    for path in sorted(holding - {folder, *folder.parents}):
        inner[path.parent].append(path)
    return Tree(files, with_photos, inner, sorted(path for path, _ in visible if path not in holding))
