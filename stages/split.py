"""Split the photos into training, validation and test.

Reads ``data/raw/``: a folder per class; or ``train/`` and ``validation/``, ``test/`` or both, by any of the names that
``stages/intake/layout.py`` lists, with a folder per class in each; either may be inside one outer folder. If there is a
``data/labels/labels.csv`` (``path,label``), it says the classes instead. Writes ``data/splits/train.csv``,
``validation.csv`` and ``test.csv`` (``path,label``, sorted by path), and ``rejected.csv`` (``path,reason``): every file
in none of the three.
"""

import hashlib
import logging
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stages.common.files import write_csv
from stages.common.params import Split, load_params
from stages.common.paths import LABELS, RAW, SPLITS
from stages.common.program import UserError, run
from stages.intake.duplicates import group_duplicates, perceptual_hash
from stages.intake.layout import SPLIT_NAMES, LabelledPhoto, find_photos
from stages.photos.decode import UnreadablePhotoError, map_in_parallel, open_photo
from stages.photos.lists import DUPLICATE

logger = logging.getLogger(__name__)

MAX_LOGGED = 50  # unusable files, where they stop the run
HOW_TO_FIX = (
    "data/raw is a copy: fix what download.photos and download.labels name, then "
    "`dvc repro --force download && dvc repro`"
)

Group = list[LabelledPhoto]  # one photo and its duplicates, in the order in which they were found
Rejected = dict[str, str]  # the reason for each path


def main() -> None:
    settings = load_params().split
    if not RAW.is_dir():
        raise UserError(f"expected the photos in {RAW}, found no such folder: run `dvc repro download`")
    try:
        photos, rejected = split_photos(RAW, settings)
    except UserError as error:
        raise UserError(f"{error} ({HOW_TO_FIX})") from error

    shutil.rmtree(SPLITS, ignore_errors=True)
    for split in SPLIT_NAMES:
        rows = sorted((photo.path, photo.label) for photo in photos if photo.split == split)
        write_csv(pd.DataFrame(rows, columns=["path", "label"]), SPLITS / f"{split}.csv")
        logger.info("%s: %d photos", split, len(rows))
    write_csv(pd.DataFrame(sorted(rejected.items()), columns=["path", "reason"]), SPLITS / "rejected.csv")
    logger.info("rejected: %d files, for the reasons in %s", len(rejected), SPLITS / "rejected.csv")


def split_photos(folder: Path, settings: Split) -> tuple[list[LabelledPhoto], Rejected]:
    """Assign each usable photo below ``folder`` to a split, and reject every other file.

    Raises:
        UserError: Too many files are unusable, or a split would have no photos of some class.
    """
    found, strays = find_photos(folder, LABELS / "labels.csv")
    inspected = map_in_parallel(lambda i: (found[i], inspect(found[i].path)), range(len(found)), "checking photos")
    unusable = {photo.path: reason for photo, reason in inspected if isinstance(reason, str)}
    hashes = {photo: phash for photo, phash in inspected if not isinstance(phash, str)}
    check_rejected_fraction(unusable, strays, len(found), settings.max_rejected_fraction)
    check_classes(found, unusable)

    groups = group_duplicates(hashes, settings.duplicate_distance)
    conflicting = reject_conflicting_labels(groups)
    check_classes(found, unusable | conflicting)

    assigned = assign_splits([group for group in groups if group[0].path not in conflicting], settings)
    leaking = reject_leaks(assigned)
    kept = [photo for group in assigned for photo in group if photo.path not in leaking]
    check_splits(kept)
    return kept, strays | unusable | conflicting | leaking


def inspect(path: str) -> np.ndarray | str:
    """Decode a photo and compute its perceptual hash, or say why it is unusable."""
    try:
        photo = open_photo(path)
    except UnreadablePhotoError as error:
        return str(error)
    with Image.open(path) as opened:
        kind = "JPEG" if opened.format == "MPO" else opened.format  # an MPO is a JPEG with more pictures behind it
    if Image.registered_extensions().get(Path(path).suffix.lower()) != kind:
        return f"has the suffix of another format, but is a {kind}: rename it"
    return perceptual_hash(photo)


def check_rejected_fraction(unusable: Rejected, strays: Rejected, found: int, max_fraction: float) -> None:
    """Stop if too many of the ``found`` files are unusable or too many photos are in no class folder."""
    suffixes = tuple(Image.registered_extensions())
    misplaced = {path: reason for path, reason in strays.items() if path.lower().endswith(suffixes)}  # not a readme
    rejected = unusable | misplaced
    total = found + len(misplaced)
    if len(rejected) > max_fraction * total:
        logger.warning("\n".join(f"{path}: {reason}" for path, reason in list(rejected.items())[:MAX_LOGGED]))
        listed = "listed above" if len(rejected) <= MAX_LOGGED else f"the first {MAX_LOGGED} listed above"
        raise UserError(
            f"expected at most {max_fraction:.1%} of the files to be unusable (split.max_rejected_fraction), "
            f"received {len(rejected)} of {total}, {listed}"
        )


def check_classes(photos: list[LabelledPhoto], rejected: Rejected) -> None:
    """Make sure that no class has lost all its photos."""
    lost = {photo.label for photo in photos} - {photo.label for photo in photos if photo.path not in rejected}
    if lost:
        label = min(lost)
        path = min(photo.path for photo in photos if photo.label == label)
        raise UserError(f"expected usable photos of every class, found none of {label!r}: {path}: {rejected[path]}")


def reject_conflicting_labels(groups: list[Group]) -> Rejected:
    """Reject every photo of a group with two labels or more, as any of them may be the wrong one."""
    return {
        photo.path: f"{DUPLICATE} {others[0].path}, which has another label"
        for group in groups
        for photo in group
        if (others := [other for other in group if other.label != photo.label])
    }


def assign_splits(groups: list[Group], settings: Split) -> list[Group]:
    """Assign every photo to a split, in the same proportions for each class.

    Splits that the folders give are kept. Where they give no test split, it is taken from validation.
    """
    photos = sorted(photo for group in groups for photo in group)
    splits = {photo.path: photo.split for photo in photos}
    given = set(splits.values())
    for label in {photo.label for photo in photos}:
        paths = [photo.path for photo in photos if photo.label == label]
        if given == {""}:
            # Ranked by a hash of its path, a photo keeps its split when others are added or removed.
            ranked = sorted(paths, key=lambda path: hashlib.sha256(f"{settings.seed} {path}".encode()).hexdigest())
            tests = max(1, round(len(ranked) * settings.test_fraction))
            validations = max(1, round(len(ranked) * settings.validation_fraction))
            splits |= dict.fromkeys(ranked, "train")
            splits |= dict.fromkeys(ranked[:tests], "test")
            splits |= dict.fromkeys(ranked[tests : tests + validations], "validation")
        elif "test" not in given:
            validation = [path for path in paths if splits[path] == "validation"]
            splits |= dict.fromkeys(validation[:: settings.test_every], "test")
    return [[photo._replace(split=splits[photo.path]) for photo in group] for group in groups]


def reject_leaks(groups: list[Group]) -> Rejected:
    """Reject photos with a duplicate in another split, which would make that split's score too good.

    A group keeps its photos in test if it has any, else those in validation. Duplicates within a split stay.
    """
    return {
        photo.path: f"{DUPLICATE} {stronger[-1].path}"
        for group in groups
        for photo in group
        if (stronger := [other for other in group if SPLIT_NAMES.index(other.split) > SPLIT_NAMES.index(photo.split)])
    }


def check_splits(photos: list[LabelledPhoto]) -> None:
    """Make sure that every class can be trained, validated and tested."""
    counts = Counter((photo.label, photo.split) for photo in photos)
    for label in sorted({photo.label for photo in photos}):
        if not all(counts[label, split] for split in SPLIT_NAMES):
            raise UserError(
                f"expected photos of every class in every split, so three or more of a class, found of {label!r} "
                + ", ".join(f"{counts[label, split]} in {split}" for split in SPLIT_NAMES)
            )


if __name__ == "__main__":
    run(main, __doc__)
