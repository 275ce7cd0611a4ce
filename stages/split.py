"""Split the photos into training, validation and test.

Reads ``data/raw/``: a folder per class; or ``train/`` and ``validation/``, ``test/`` or both, by any of the names that
``stages/data/layout.py`` lists, with a folder per class in each, or in a folder per class; each may be inside one
outer folder. If there is a
``data/labels/labels.csv`` (``path,label``), it says the classes instead. ``corrections.csv`` (``path,label``) changes
the class of photos that have one, or removes them (``remove``). Writes ``data/splits/train.csv``, ``validation.csv``
and ``test.csv`` (``path,label``, sorted by path), ``train_paths.csv`` and ``validation_paths.csv`` (``path``) for
``pixels``, to which a corrected label makes no difference, ``rejected.csv`` (``path,reason``): every file in none of
the three lists, ``copies.csv`` (``path,split``): those of them that are duplicates of a photo in their own split, and
``corrected.csv`` (``path,given,label``): every photo that has its label from ``corrections.csv``.

Duplicates and the photos of a group (``split.group``) are never in two splits. In training, duplicates stay; validation
and test have one photo of each picture, so that scores, confidence intervals and tests count it once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.common.cli import MismatchError, UserError, run
from stages.common.parallel import map_in_parallel
from stages.common.params import Split, load_params
from stages.common.paths import CORRECTIONS, LABELS, RAW, SPLITS
from stages.data.corrections import apply_corrections
from stages.data.duplicates import Fingerprint, find_conflicts, fingerprint, group_duplicates
from stages.data.groups import Group, Picture, assign_splits, join_groups
from stages.data.label_csv import read_labels
from stages.data.layout import SPLIT_NAMES, LabelledPhoto, find_photos
from stages.photos.decode import MORE_FRAMES, UnreadablePhotoError, open_photo
from stages.photos.formats import SUFFIXES
from stages.storage.files import atomic_folder, write_csv
from stages.storage.folders import SIDECAR_SUFFIXES
from stages.storage.photo_lists import DUPLICATE, NO_FILE, NO_LABEL, REMOVED, SAME_GROUP, SIDECAR, TWO_LABELS

logger = logging.getLogger(__name__)

COMPARED_SIZE = 128  # in pixels: a large JPEG is decoded at a reduced size, which still exceeds what is compared
MAX_LOGGED = 50  # rejected files, where they stop the run
HOW_TO_FIX = (
    "data/raw is a copy: to change photos or labels, change what download.photos and download.labels name, then "
    "`dvc repro --force download && dvc repro`"
)
NOT_DUPLICATES = (
    "; if those are not duplicates, lower split.duplicate_distance, or leave `split.duplicate_distance:` empty, which "
    "skips the check"
)
PREVIEWS = {".thm"}  # a camera's small JPEG of a film or photo beside it

Rejected = dict[str, str]  # the reason for each path


class Assigned(NamedTuple):
    """What becomes of each file."""

    photos: list[LabelledPhoto]  # in the lists
    rejected: Rejected
    copies: list[tuple[str, str]]  # of those rejected the duplicates in one split: path and split, sorted
    corrected: list[tuple[str, str, str]]  # the path of each photo with a correction, and its label before and after


def main() -> None:
    settings = load_params().split
    if not RAW.is_dir():
        raise UserError(f"expected the photos in {RAW}, found no such folder: run `dvc repro download`")
    corrections = read_labels(CORRECTIONS, str(CORRECTIONS)) if CORRECTIONS.exists() else {}
    try:
        photos, rejected, copies, corrected = split_photos(RAW, settings, corrections)
    except MismatchError:
        raise
    except UserError as error:
        raise UserError(f"{error} ({HOW_TO_FIX})") from error

    with atomic_folder(SPLITS, replace=True) as folder:
        for split in SPLIT_NAMES:
            rows = sorted((photo.path, photo.label) for photo in photos if photo.split == split)
            listed = pd.DataFrame(rows, columns=["path", "label"])
            write_csv(listed, folder / f"{split}.csv")
            if split != "test":
                write_csv(listed[["path"]], folder / f"{split}_paths.csv")
            logger.info("%s: %d photos", split, len(rows))
        write_csv(pd.DataFrame(sorted(rejected.items()), columns=["path", "reason"]), folder / "rejected.csv")
        write_csv(pd.DataFrame(copies, columns=["path", "split"]), folder / "copies.csv")
        write_csv(pd.DataFrame(corrected, columns=["path", "given", "label"]), folder / "corrected.csv")
    removed = sum(reason == REMOVED for reason in rejected.values())
    relabelled = sum(given != label for _, given, label in corrected)
    logger.info("%s: %d labels changed, %d photos removed", CORRECTIONS, relabelled, removed)
    if sidecars := [path for path, reason in rejected.items() if reason.startswith(SIDECAR)]:
        logger.info("%d files lie beside photos and count for nothing, as %s", len(sidecars), min(sidecars))
    logger.info("rejected: %d files, for the reasons in %s", len(rejected), SPLITS / "rejected.csv")


def split_photos(folder: Path, settings: Split, corrections: Mapping[PurePosixPath, set[str]]) -> Assigned:
    """Assign each usable photo below ``folder`` to a split, and reject every other file.

    Raises:
        UserError: Too many files are rejected, ``split.group`` tells nothing apart, a correction fits no photo, or a
            split would have no photos of some class.
    """
    labelled, strays = find_photos(folder, LABELS / "labels.csv")
    found, corrected, removed = apply_corrections(labelled, corrections)
    inspected = map_in_parallel(
        lambda i: (found[i], *inspect(found[i].path, settings.max_megapixels)), range(len(found)), "checking photos"
    )
    unusable = {photo.path: result for photo, result, _ in inspected if isinstance(result, str)}
    fingerprints = {photo: result for photo, result, _ in inspected if not isinstance(result, str)}
    if frames := [photo.path for photo, _, has_more_frames in inspected if has_more_frames]:
        logger.warning(
            "%d files have more pages or frames than the first, which alone counts: %s", len(frames), frames[0]
        )
    check_classes(found, unusable)

    pictures = group_duplicates(fingerprints, settings.duplicate_distance)
    logger.info("%d usable photos show %d pictures", len(fingerprints), len(pictures))
    conflicting = reject_conflicts(pictures, fingerprints, settings.duplicate_distance)
    check_classes(found, unusable | conflicting)

    groups = assign_splits(join_groups(without_conflicts(pictures, conflicting), settings.group), settings)
    leaking = reject_leaks(groups)
    check_rejected_fraction(found, strays, unusable | conflicting | leaking, settings.max_rejected_fraction)
    firsts = find_copies(chain(*groups))
    copies = {path: f"{DUPLICATE} {first}" for path, first in firsts.items()}
    rejected = strays | removed | unusable | conflicting | copies | leaking
    assigned = [photo for group in groups for photo in chain(*group)]
    kept = [photo for photo in assigned if photo.path not in rejected]
    left_out = sorted((photo.path, photo.split) for photo in assigned if photo.path in firsts.keys() - leaking.keys())
    thumbnails = {photo.path: result.thumbnail for photo, result in fingerprints.items()}
    check_copies(kept, left_out, firsts, thumbnails, settings.max_copies_fraction)
    check_splits(kept, {photo.label for picture in pictures if len(picture) > 1 for photo in picture})
    return Assigned(kept, rejected, left_out, corrected)


def inspect(path: str, max_megapixels: float) -> tuple[Fingerprint | str, bool]:
    """Decode a photo and reduce it to a fingerprint, or say why it is unusable; and whether it has more frames."""
    suffix = Path(path).suffix.lower()
    if suffix in PREVIEWS:
        return f"{SIDECAR}: is a camera's preview", False
    try:
        photo = open_photo(path, COMPARED_SIZE, max_megapixels)
    except UnreadablePhotoError as error:
        return f"{SIDECAR}: {error}" if suffix in SIDECAR_SUFFIXES else str(error), False
    return fingerprint(photo), photo.info[MORE_FRAMES]


def check_rejected_fraction(
    found: list[LabelledPhoto], strays: Rejected, rejected: Rejected, max_fraction: float
) -> None:
    """Stop if too many files cannot be used, of those that were meant as photos.

    In a folder of a class they all were, but notes and the like, and in a CSV of labels all were; elsewhere only those
    that are named like photos, or like those that the CSV names.
    """
    suffixes = {Path(photo.path).suffix.lower() for photo in found} - SIDECAR_SUFFIXES
    meant = {photo.path for photo in found if Path(photo.path).suffix.lower() in suffixes}
    for path, reason in strays.items():
        alike = reason == NO_LABEL and Path(path).suffix.lower() in suffixes
        if alike or reason.startswith(NO_FILE) or path.lower().endswith(SUFFIXES):
            meant.add(path)
    reasons = {path: reason for path, reason in (strays | rejected).items() if path in meant}
    if len(reasons) > max_fraction * len(meant):
        log_first(reasons)
        listed = "listed above" if len(reasons) <= MAX_LOGGED else f"the first {MAX_LOGGED} listed above"
        duplicates = any(DUPLICATE in reason for reason in reasons.values())
        path, reason = next(iter(reasons.items()))
        raise UserError(
            f"expected at most {max_fraction:.1%} of the photos to be rejected, received {len(reasons)} of "
            f"{len(meant)}, {listed}: fix or remove them, or raise split.max_rejected_fraction"
            f"{NOT_DUPLICATES if duplicates else ''}; the first, {path}, {reason}"
        )


def log_first(rejected: Rejected) -> None:
    logger.warning("\n".join(f"{path}: {reason}" for path, reason in list(rejected.items())[:MAX_LOGGED]))


def check_classes(photos: list[LabelledPhoto], rejected: Rejected) -> None:
    """Make sure that no class has lost all its photos."""
    lost = {photo.label for photo in photos} - {photo.label for photo in photos if photo.path not in rejected}
    if lost:
        log_first(rejected)
        label = min(lost)
        path = min(photo.path for photo in photos if photo.label == label)
        hint = NOT_DUPLICATES if DUPLICATE in rejected[path] else ""
        raise UserError(
            f"expected usable photos of every class, found none of {label!r}: {path}: {rejected[path]}{hint}"
        )


def reject_conflicts(
    pictures: list[Picture], fingerprints: Mapping[LabelledPhoto, Fingerprint], max_distance: int | None
) -> Rejected:
    """Reject the photos that are duplicates of one with another label, as either label may be the wrong one."""
    if max_distance is None:
        return {}
    return {
        path: f"{TWO_LABELS}: {DUPLICATE} {other}, which has another"
        for picture in pictures
        for path, other in find_conflicts(picture, fingerprints, max_distance).items()
    }


def without_conflicts(pictures: list[Picture], rejected: Rejected) -> list[Picture]:
    """Leave the rejected photos out of their pictures, and make one picture of the others of each class."""
    parted = []
    for picture in pictures:
        kept = [photo for photo in picture if photo.path not in rejected]
        parted += [[photo for photo in kept if photo.label == label] for label in sorted({each.label for each in kept})]
    return parted


def reject_leaks(groups: list[Group]) -> Rejected:
    """Reject photos with others of their group in another split, which would make that split's score too good.

    A group keeps its photos in test if it has any, else those in validation.
    """
    rejected: Rejected = {}
    for group in groups:
        strongest = max(sorted(chain(*group)), key=lambda photo: SPLIT_NAMES.index(photo.split))
        for picture in group:
            kept = min((photo.path for photo in picture if photo.split == strongest.split), default=None)
            reason = f"{DUPLICATE} {kept}" if kept else f"{SAME_GROUP} {strongest.path}"
            rejected |= {photo.path: reason for photo in picture if photo.split != strongest.split}
    return rejected


def find_copies(pictures: Iterable[Picture]) -> dict[str, str]:
    """Find in validation and in test, where each picture counts once, all its photos but the first, and that one."""
    firsts: dict[str, str] = {}
    for picture in pictures:
        for split in SPLIT_NAMES[1:]:
            first, *copies = sorted(photo.path for photo in picture if photo.split == split) or [""]
            firsts |= dict.fromkeys(copies, first)
    return firsts


def check_copies(
    photos: list[LabelledPhoto],
    copies: list[tuple[str, str]],
    firsts: Mapping[str, str],
    thumbnails: Mapping[str, np.ndarray],
    max_fraction: float,
) -> None:
    """Log how many copies validation and test leave out, and stop if too many are not even quite the same."""
    for split in SPLIT_NAMES[1:]:
        of_split = [path for path, name in copies if name == split]
        number = len(of_split) + sum(photo.split == split for photo in photos)
        if of_split:
            text = "%s: %d of %d photos (%.1f %%) are left out as copies of others there, as %s of %s"
            path = of_split[0]
            logger.warning(text, split, len(of_split), number, 100 * len(of_split) / number, path, firsts[path])
        alike = [path for path in of_split if not np.array_equal(thumbnails[path], thumbnails[firsts[path]])]
        if len(alike) > max_fraction * number:
            raise UserError(
                f"expected at most {max_fraction:.1%} of the photos in {split} to be nearly the same as others there, "
                f"received {len(alike)} of {number} ({len(alike) / number:.1%}), as {alike[0]} and {firsts[alike[0]]}: "
                f"leave out all but one of each, or raise split.max_copies_fraction{NOT_DUPLICATES}"
            )


def check_splits(photos: list[LabelledPhoto], with_duplicates: set[str]) -> None:
    """Make sure that every class can be trained, validated and tested.

    Args:
        with_duplicates: the classes of which photos show the same picture, or are rejected as they do.
    """
    counts = Counter((photo.label, photo.split) for photo in photos)
    for label in sorted({photo.label for photo in photos}):
        if not all(counts[label, split] for split in SPLIT_NAMES):
            raise UserError(
                "expected photos of every class in every split, so three pictures or groups of a class, found of "
                + f"{label!r} "
                + ", ".join(f"{counts[label, split]} in {split}" for split in SPLIT_NAMES)
                + (NOT_DUPLICATES if label in with_duplicates else "")
            )


if __name__ == "__main__":
    run(main, __doc__)
