"""Table of photos, with labels (and perhaps splits) from the names of their folders, or with labels from a CSV."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from posixpath import dirname, splitext
from typing import NamedTuple
from unicodedata import normalize

import pandas as pd

from stages.common.cli import MismatchError, UserError, logger, plural, quoted
from stages.data.labels import normalize_label, read_labels, spelling
from stages.storage.non_photos import SIDECAR_SUFFIXES, folders_above
from stages.storage.photo_lists import NO_CLASS, NO_FILE, NO_LABEL, TWO_LABELS

MISSING_VALUES = {"nan", "none", "null", "na", "n/a", "#n/a", "<na>"}  # as programs write them
# What people call the folders of splits, and classes hardly ever.
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# In lower case: also "train_set", "test data" and "val2017"; and "seg_train" or "train_v2", where others are alike.
SPLIT_FOLDER = re.compile(
    rf"(.*[-_ .])?({'|'.join(SPLIT_FOLDERS)})(?:[-_ .]*(?:data|set|split|files|images?|imgs?|photos?|pictures?|\d))*"
    r"([-_ .].+)?"
)

# As datasets call their folders, and hardly ever a class: "JPEGImages", "lung_masks", "images_part_2".
NOT_A_CLASS = re.compile(
    r"(jpeg)?(images?|imgs|photos|pictures)"
    r"|(.*[-_ ])?(annotations?|labels|masks|trimaps|(batch|fold|images|part|patient)[-_ ]?\d+)"
)
# A mask beside its photo, "1_mask.png" beside "1.jpg", or a folder of masks beside photos.
MASK = re.compile(r"(.+)[-_ /](?:annotation|ground[-_ ]?truth|gt|label|mask|seg|trimap)s?(?:[-_ ]?\d+)?", re.IGNORECASE)
SEPARATORS = re.compile(r"\s*[|;,/+&]\s*|\s+")  # of several labels in one cell

# As phones and people name them: "2024", "2024-05 Helgoland", "202405__", "20240517".
DATE_FOLDER = re.compile(r"(19|20)\d\d((0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?)?([-_ .].*)?")


class ClassFolder(NamedTuple):
    """A class folder, or the folder of a split in it: its photos, at any depth, have one class and one split."""

    label: str
    split: str
    start: Path  # in which the names of its photos start


class Tree:
    """Files below a folder; a folder has photos if it has files other than sidecar files."""

    def __init__(self, folder: Path, files: Iterable[str]) -> None:
        self.folder, self.files = folder, sorted(files)
        self.photos = [file for file in self.files if not file.lower().endswith(tuple(SIDECAR_SUFFIXES))]
        self.with_photos = {Path(parent) for parent in set(map(dirname, self.photos))}
        above_photos = folders_above(self.photos)
        self.subfolders: dict[Path, list[Path]] = defaultdict(list)  # only those with photos at any depth
        for path in sorted(above_photos - {folder, *folder.parents}):
            self.subfolders[path.parent].append(path)
        self.without_photos = sorted(folders_above(self.files) - above_photos)

    def descend(self, folder: Path) -> Path:
        """Descend through folders that hold a single folder, as archives often do, while that one has subfolders."""
        while len(self.subfolders[folder]) == 1:
            [subfolder] = self.subfolders[folder]
            if not self.subfolders[subfolder]:
                break
            folder = subfolder
        return folder

    def names_below(self, root: Path) -> dict[str, str]:
        """Map each file below ``root`` to its path from there, in normal form C."""
        prefix = f"{root.as_posix()}/"
        return {file: normalize("NFC", file.removeprefix(prefix)) for file in self.files if file.startswith(prefix)}


def photo_table(rows: list[tuple[str, str, str, str, str]]) -> pd.DataFrame:
    """Create the table of photos, a row per file, whose columns each rule of ``split`` fills further.

    ``rows`` have the first five columns, and are sorted by path; files that are missing come last.

    Returns:
        ``path``: str, from the project's root; unique.
        ``name``: str, the path from the class folder on, or as in the CSV: the same in any outer folder.
        ``label``: str, the class; "" for files without one.
        ``given``: str, the label before a correction, which may be the same; "" without a correction.
        ``split``: str, one of ``SPLIT_NAMES``; "" while it is undecided.
        ``reason``: str, why the file is rejected; "" for photos that are not.
        ``copy_of``: str, of a photo rejected as a duplicate, the path of the other; else "".
        ``cluster``: int, index of the duplicate cluster; -1 for photos without one.
        ``group``: int, index of the group, a union of clusters; -1 for photos without one.
    """
    table = pd.DataFrame(rows, columns=["path", "name", "label", "split", "reason"], dtype=str)
    return table.assign(given="", copy_of="", cluster=-1, group=-1)


def find_photos(folder: Path, files: list[str], labels: Path) -> pd.DataFrame:
    """Return the table of all files in a folder, photos or not, and of files that only the CSV ``labels`` lists."""
    tree = Tree(folder, files)
    photos = photos_in_csv(folder, tree, labels) if labels.exists() else photos_in_folders(folder, tree)
    classes = photos["label"][photos["label"] != ""].drop_duplicates().sort_values()
    if len(classes) < 2:
        others = photos["path"][(photos["label"] == "") & ~photos["reason"].str.startswith(NO_FILE)]
        hint = ""
        if len(others):  # such as an archive, rather than the notes beside it
            example = min(others, key=lambda path: (path.lower().endswith(tuple(SIDECAR_SUFFIXES)), path))
            hint = f", and {plural(len(others), 'file')} without a class, such as {example}"
        found = f"{classes.iloc[0]} (with {photos['path'][classes.index[0]]})" if len(classes) else "none"
        raise UserError(
            "expected two or more classes, from a CSV (download.labels) or, without one, the names of folders with "
            f"their photos (not in archives or tables), found {found}{hint}"
        )
    logger.info("%d classes: %s", len(classes), quoted(classes, 20))
    if len(alike := classes[classes.map(spelling).duplicated(keep=False)]):
        logger.warning("classes that differ only in spelling are separate classes: %s", ", ".join(alike))
    parts, known = {name: set(SEPARATORS.split(name)) for name in classes}, set(classes)
    if combined := [name for name in classes if len(parts[name]) > 1 and parts[name] <= known]:
        text = "classes named like several others are classes of their own, as each photo has one: %s"
        logger.warning(text, quoted(combined))
    return photos


def photos_in_folders(folder: Path, tree: Tree) -> pd.DataFrame:
    """Take the label of each photo, and perhaps its split, from the folders it lies in."""
    root = tree.descend(folder)
    folders = label_class_folders(find_class_folders(root, tree), tree)
    classes = {label for label, _, _ in folders.values()}
    class_folder_of: dict[str, ClassFolder] = {}
    for name in sorted(set(map(dirname, tree.files))):
        parent = Path(name)
        class_folder = next((folders[path] for path in (parent, *parent.parents) if path in folders), None)
        if class_folder and parent in tree.with_photos:
            check_folder_names(parent, root, class_folder, classes)
        class_folder_of[name] = class_folder or ClassFolder("", "", parent)

    rows = []
    for file in tree.files:
        label, split, start = class_folder_of[dirname(file)]
        name = normalize("NFC", file.removeprefix(f"{start}/"))
        rows.append((file, name, label, split, "" if label else NO_CLASS))
    photos = photo_table(rows)
    log_unlikely_names(photos, tree)
    return photos


def log_unlikely_names(photos: pd.DataFrame, tree: Tree) -> None:
    """Warn of classes that are hardly any, of masks beside photos, and of lists of splits that decide none."""
    if unlikely := [label for label in photos["label"].unique() if NOT_A_CLASS.fullmatch(label.lower())]:
        text = "classes named like a dataset's folders, %s: unless they are classes, move them or set download.labels"
        logger.warning(text, quoted(unlikely))
    masks: list[str] = []
    for names in (sorted(map(str, tree.with_photos)), tree.photos):
        photo_of = {name: match[1] for name in names if (match := MASK.fullmatch(splitext(name)[0]))}
        others = {splitext(name)[0] for name in names} if photo_of else set()
        masks += [name for name, photo in photo_of.items() if photo in others]
    if masks:
        text = "named like masks of the photos beside them: %d, such as %s: if they are masks, move them elsewhere"
        logger.warning(text, len(masks), masks[0])
    unlabelled = map(Path, photos["path"][photos["label"] == ""])
    notes = [path for path in unlabelled if path.suffix.lower() in SIDECAR_SUFFIXES]
    lists = [path for path in notes if SPLIT_FOLDER.fullmatch(path.stem.lower())]
    if lists and not photos["split"].any():
        text = "%s decides no split: if it lists one, name that in a column of download.labels (split.split_column)"
        logger.warning(text, lists[0])


def find_class_folders(root: Path, tree: Tree) -> dict[Path, str]:
    """Return the class folders with their splits: those in folders for splits, or else those in ``root``, with ""."""
    splits = split_folders(tree.subfolders[root])
    if splits and not are_complete(splits.values()):
        count = len(tree.subfolders[root]) - len(splits)
        others = f" and {plural(count, 'other folder')}" if count else ""
        raise UserError(
            f"expected in {root} a folder per class, or one for train and one for validation, test or both, or labels "
            f"in a CSV (download.labels), received {describe(splits)}{others}"
        )
    parents = {tree.descend(path): split for path, split in splits.items()} or {root: ""}
    for path in tree.without_photos:
        if path.parent in parents or (path.parent == root and split_of(path.name)):
            raise UserError(
                f"expected photos in the class folder {path}, found none: add some, delete it or set download.labels"
            )
    for path, split in parents.items():
        if split and len(tree.subfolders[path]) < 2:
            found = ", ".join(f"{below.name}/" for below in tree.subfolders[path]) or "photos"
            raise UserError(
                f"expected a folder per class in {path}, found {found} alone: put the photos of each class into a "
                "folder, write their classes into a CSV (download.labels), or delete them"
            )
    return {path: split for parent, split in parents.items() for path in tree.subfolders[parent]}


def label_class_folders(split_of_class: Mapping[Path, str], tree: Tree) -> dict[Path, ClassFolder]:
    """Return the label and split of each class folder, or of each folder of a split in it."""
    names = {path.name for path in split_of_class}
    splits_below = {path: splits_in_class(path, names - {path.name}, tree) for path in split_of_class}
    all_below = {split for below in splits_below.values() for split in below.values()}
    folders = {}
    for path, split in split_of_class.items():
        label, below = normalize_label(path.name) or path.name, splits_below[path]
        if split or not all_below:
            folders[path] = ClassFolder(label, split, path.parent)
        elif below and len(set(below.values())) == len(below) and are_complete(all_below):
            folders |= {folder: ClassFolder(label, split, path.parent) for folder, split in below.items()}
        else:
            found = f"{describe(below) or 'photos'} in {path}"
            raise UserError(f"expected photos in each class folder, or folders for the same splits, received {found}")
    return folders


def splits_in_class(class_folder: Path, other_classes: set[str], tree: Tree) -> dict[Path, str]:
    """Find the folders for splits in a class folder, or in a single folder there; none if it has photos instead."""

    def descend(folder: Path) -> Path:
        while folder not in tree.with_photos and len(tree.subfolders[folder]) == 1:
            [subfolder] = tree.subfolders[folder]
            if split_of(subfolder.name) or subfolder.name in other_classes:
                break
            folder = subfolder
        return folder

    folder = descend(class_folder)
    splits = {} if folder in tree.with_photos else split_folders(tree.subfolders[folder])
    is_date = DATE_FOLDER.fullmatch(class_folder.name)  # and not a class: as a phone's, with a folder for each month
    for path in map(descend, splits or [folder]):
        are_dates = not is_date and all(DATE_FOLDER.fullmatch(below.name) for below in tree.subfolders[path])
        if path not in tree.with_photos and not are_dates:
            examples = ", ".join(f"{below.relative_to(class_folder)}/" for below in tree.subfolders[path][:2])
            raise UserError(
                f"expected photos in the class folder {class_folder}, found only folders there, as {examples}: put the "
                "photos of each class into one folder, or set download.labels; if those are the classes, set "
                f"download.photos to {class_folder.relative_to(tree.folder)}/ or, for a split, call it train or test"
            )
    return splits


def check_folder_names(folder: Path, root: Path, class_folder: ClassFolder, classes: set[str]) -> None:
    """Raise a UserError if a folder, or one above it in ``root``, is named for another split or class of its photos."""
    label, split, start = class_folder
    above, (_, *below) = start.relative_to(root).parts, folder.relative_to(start).parts
    if others := set(filter(None, map(split_of, (*above, *below)))) - {split}:
        raise UserError(
            f"expected folders that name one split, or none, received {folder} ({', '.join(sorted(others))}) for "
            f"photos of {split or 'no split'}: rename or move it"
        )
    if others := classes & set(map(normalize_label, below)) - {label}:
        raise UserError(f"expected photos of {label!r}, received {folder}, named like {min(others)!r}: rename it")


def photos_in_csv(folder: Path, tree: Tree, labels: Path) -> pd.DataFrame:
    """Take the label of each photo from a CSV, whose paths are relative to ``folder`` or to the only folder in it."""
    listed = read_labels(labels.read_bytes(), "download.labels", refuse_surplus=True)
    root = folder
    while listed.keys().isdisjoint(tree.names_below(root).values()) and len(tree.subfolders[root]) == 1:
        [root] = tree.subfolders[root]
    names = tree.names_below(root)
    missing = sorted(listed.keys() - names.values())
    rows = [csv_row(file, names.get(file, ""), listed) for file in tree.files]
    rows += [((root / name).as_posix(), name, "", "", NO_FILE) for name in missing]
    photos = photo_table(rows)
    labelled = photos[photos["label"] != ""]
    if held_out := [path for path in folders_above(labelled["name"]) if split_of(path.name) in ("validation", "test")]:
        text = "the folder %s decides no split: with download.labels, split.split_column or the fractions of split do"
        logger.warning(text, root / min(held_out))
    with_photos = sorted(set(labelled["label"]))
    if lost := sorted(set().union(*listed.values()) - set(with_photos)):
        name = min(name for name, classes in listed.items() if lost[0] in classes)
        reason = photos.loc[photos["name"] == name, "reason"].iloc[0]
        if name in missing and names:
            existing = sorted(names.values())[:10_000]  # these take a second
            reason += f", which has files such as {(get_close_matches(name, existing, 1) or existing)[0]!r}"
        raise UserError(
            f"download.labels: expected photos of each class, found none of {quoted(lost)}: {name!r} {reason}"
        )
    if missing_values := [label for label in with_photos if label.casefold() in MISSING_VALUES]:
        text = "download.labels: classes named like a missing value, %s (%d photos): leave a missing label empty"
        logger.warning(text, ", ".join(missing_values), photos["label"].isin(missing_values).sum())
    return photos


def splits_by_name(photos: pd.DataFrame, split_names: Mapping[str, str]) -> pd.Series:
    """Return the split of each photo, named by a column of the CSV; "" for photos without a label."""
    names = photos["name"][photos["label"] != ""]
    splits = names.map(lambda name: split_of(split_names.get(name, "")))
    expected = "split.split_column: expected train"
    if len(unknown := names[splits.isna()]):
        received = f"{split_names.get(unknown.iloc[0], '')!r} for {unknown.iloc[0]}"
        raise MismatchError(f"{expected}, validation or test for each photo, received {received}")
    if not are_complete(given := sorted(splits.unique())):
        raise MismatchError(f"{expected} and validation, test or both, received {', '.join(given)} alone")
    return splits.reindex(photos.index, fill_value="")


def csv_row(file: str, name: str, listed: Mapping[str, frozenset[str]]) -> tuple[str, str, str, str, str]:
    """Return a file's row of the table, with its label in the CSV or the reason why it has none."""
    labels = sorted(listed.get(name, ()))
    if len(labels) == 1:
        return file, name, labels[0], "", ""
    reason = f"{TWO_LABELS} in download.labels: {', '.join(labels)}" if labels else NO_LABEL
    return file, name, "", "", reason


def split_of(folder: str) -> str | None:
    """Return the split that a folder is named after, if any."""
    match = SPLIT_FOLDER.fullmatch(folder.lower())
    return SPLIT_FOLDERS[match[2]] if match and not (match[1] or match[3]) else None


def split_folders(folders: Iterable[Path]) -> dict[Path, str]:
    """Find the folders of splits among siblings; names such as ``seg_train`` count only with a sibling named alike."""
    by_name: dict[tuple[str, str], dict[Path, str]] = defaultdict(dict)  # without the split's
    for path in folders:
        if match := SPLIT_FOLDER.fullmatch(path.name.lower()):
            by_name[match[1] or "", match[3] or ""][path] = SPLIT_FOLDERS[match[2]]
    return by_name["", ""] or next((splits for splits in by_name.values() if are_complete(splits.values())), {})


def are_complete(splits: Iterable[str]) -> bool:
    """Return whether the splits are training and one or two others, each once."""
    listed = list(splits)
    return "train" in listed and len(set(listed)) == len(listed) >= 2


def describe(splits: Mapping[Path, str]) -> str:
    return ", ".join(f"{path.name}/ ({split})" for path, split in splits.items())
