"""Split the photos into training, validation and test.

Reads ``data/raw/``: folders ``train/``, ``validation/`` and perhaps ``test/`` with a folder per class in each,
or just a folder per class; either may lie in one enclosing folder. Writes ``data/splits/train.csv``,
``validation.csv`` and ``test.csv`` (``path,label``, sorted by path), and ``rejected.csv`` (``path,reason``):
every file that is in none of the three.
"""

import hashlib
import logging
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from stages.common.files import write_csv
from stages.common.params import Split, load_params
from stages.common.paths import RAW, SPLITS
from stages.common.program import UserError, run
from stages.intake.duplicates import group_duplicates, perceptual_hash
from stages.intake.layout import SPLIT_NAMES, FoundFiles, LabelledPhoto, find_photos
from stages.photos.decode import UnreadablePhotoError, map_in_parallel, open_photo
from stages.photos.lists import DUPLICATE

logger = logging.getLogger(__name__)

MAX_LOGGED = 50  # unusable files, where they stop the run
HOW_TO_FIX = "data/raw is a copy: fix what download.photos names, then `dvc repro --force download && dvc repro`"


class HashedPhoto(NamedTuple):
    photo: LabelledPhoto
    hash: np.ndarray  # bool, shaped (64,)


class RejectedFile(NamedTuple):
    path: str
    reason: str


Group = list[LabelledPhoto]  # one photo and its duplicates, in the order in which they were found


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
    write_csv(pd.DataFrame(sorted(rejected), columns=["path", "reason"]), SPLITS / "rejected.csv")
    logger.info("rejected: %d files, for the reasons in %s", len(rejected), SPLITS / "rejected.csv")


def split_photos(folder: Path, settings: Split) -> tuple[list[LabelledPhoto], list[RejectedFile]]:
    """Assign each usable photo below ``folder`` to a split, and reject every other file.

    Raises:
        UserError: Too many files are unusable, or a split would have no photos of some class.
    """
    found = find_photos(folder)
    strays = [RejectedFile(path, "in no class folder") for path in found.strays]

    inspected = map_in_parallel(lambda i: inspect(found.photos[i]), range(len(found.photos)), "checking photos")
    usable = [photo for photo in inspected if isinstance(photo, HashedPhoto)]
    unusable = [file for file in inspected if isinstance(file, RejectedFile)]
    check_rejected_fraction(unusable, strays, found, settings.max_rejected_fraction)
    check_classes(found.photos, unusable)

    groups = group_photos(usable, settings.duplicate_distance)
    consistent, conflicting = reject_conflicting_labels(groups)
    check_classes(found.photos, [*unusable, *conflicting])

    assigned = assign_splits(consistent, settings)
    separated, leaking = reject_leaks(assigned)
    check_splits(separated)
    return separated, [*strays, *unusable, *conflicting, *leaking]


def inspect(photo: LabelledPhoto) -> HashedPhoto | RejectedFile:
    """Decode a photo and compute its perceptual hash, or reject it."""
    try:
        decoded = open_photo(photo.path)
    except UnreadablePhotoError as error:
        return RejectedFile(photo.path, str(error))
    with Image.open(photo.path) as opened:
        kind = "JPEG" if opened.format == "MPO" else opened.format  # an MPO is a JPEG with more pictures behind it
    if Image.registered_extensions().get(Path(photo.path).suffix.lower()) != kind:
        return RejectedFile(photo.path, f"has the suffix of another format, but is a {kind}: rename it")
    return HashedPhoto(photo, perceptual_hash(decoded))


def check_rejected_fraction(
    unusable: list[RejectedFile], strays: list[RejectedFile], found: FoundFiles, max_fraction: float
) -> None:
    """Stop if too many files in class folders are unusable or too many photos are in no class folder."""
    suffixes = tuple(Image.registered_extensions())
    misplaced = [stray for stray in strays if stray.path.lower().endswith(suffixes)]  # not a readme
    rejected = [*unusable, *misplaced]
    total = len(found.photos) + len(misplaced)
    if len(rejected) > max_fraction * total:
        for path, reason in rejected[:MAX_LOGGED]:
            logger.warning("%s: %s", path, reason)
        listed = "listed above" if len(rejected) <= MAX_LOGGED else f"the first {MAX_LOGGED} listed above"
        raise UserError(
            f"expected at most {max_fraction:.1%} of the files to be unusable (split.max_rejected_fraction), "
            f"received {len(rejected)} of {total}, {listed}"
        )


def check_classes(photos: list[LabelledPhoto], rejected: list[RejectedFile]) -> None:
    """Make sure that no class has lost all its photos."""
    reasons = dict(rejected)
    for label, paths in paths_by_label(photos).items():
        if reasons.keys() >= set(paths):
            raise UserError(
                f"expected usable photos of every class, found none of {label!r}: {paths[0]}: {reasons[paths[0]]}"
            )


def paths_by_label(photos: Iterable[LabelledPhoto]) -> dict[str, list[str]]:
    """List the photos of each class, sorted by path, and the classes by name."""
    paths: dict[str, list[str]] = {}
    for photo in sorted(photos, key=lambda photo: (photo.label, photo.path)):
        paths.setdefault(photo.label, []).append(photo.path)
    return paths


def group_photos(photos: list[HashedPhoto], max_distance: int | None) -> list[Group]:
    """Group duplicates; where ``max_distance`` is None, every photo is a group of its own."""
    if max_distance is None:
        return [[hashed.photo] for hashed in photos]
    groups = defaultdict(list)
    numbers = group_duplicates(np.stack([hashed.hash for hashed in photos]), max_distance)
    for number, hashed in zip(numbers, photos, strict=True):
        groups[number].append(hashed.photo)
    return list(groups.values())


def reject_conflicting_labels(groups: list[Group]) -> tuple[list[Group], list[RejectedFile]]:
    """Reject every photo of a group with two labels or more, as any of them may be the wrong one."""
    consistent, rejected = [], []
    for group in groups:
        if len({photo.label for photo in group}) == 1:
            consistent.append(group)
            continue
        for photo in group:
            other = next(other for other in group if other.label != photo.label)
            rejected.append(RejectedFile(photo.path, f"{DUPLICATE} {other.path}, which has another label"))
    return consistent, rejected


def assign_splits(groups: list[Group], settings: Split) -> list[Group]:
    """Assign every photo to a split, in the same proportions for each class.

    Splits that the folders give are kept. Where they give no test split, it is taken from validation.
    """
    photos = [photo for group in groups for photo in group]
    splits = {photo.path: photo.split for photo in photos}
    given = set(splits.values())
    for paths in paths_by_label(photos).values():
        if given == {""}:
            # Ranked by a hash of its path, a photo keeps its split when others are added or removed.
            ranked = sorted(paths, key=lambda path: stable_rank(path, settings.seed))
            tests = max(1, round(len(ranked) * settings.test_fraction))
            validations = max(1, round(len(ranked) * settings.validation_fraction))
            splits |= dict.fromkeys(ranked, "train")
            splits |= dict.fromkeys(ranked[:tests], "test")
            splits |= dict.fromkeys(ranked[tests : tests + validations], "validation")
        elif "test" not in given:
            validation = [path for path in paths if splits[path] == "validation"]
            splits |= dict.fromkeys(validation[:: settings.test_every], "test")
    return [[photo._replace(split=splits[photo.path]) for photo in group] for group in groups]


def stable_rank(path: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {path}".encode()).hexdigest()


def reject_leaks(groups: list[Group]) -> tuple[list[LabelledPhoto], list[RejectedFile]]:
    """Reject photos with a duplicate in another split, which would make that split's score too good.

    A group keeps its photos in test if it has any, else those in validation. Duplicates within a split stay.
    """
    kept, rejected = [], []
    for group in groups:
        for photo in group:
            stronger = [other for other in group if SPLIT_NAMES.index(other.split) > SPLIT_NAMES.index(photo.split)]
            if stronger:
                rejected.append(RejectedFile(photo.path, f"{DUPLICATE} {stronger[-1].path}"))
            else:
                kept.append(photo)
    return kept, rejected


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
