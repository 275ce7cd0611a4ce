"""Split the photos into training, validation and test.

Reads ``data/raw/``: a folder per class; or ``train/`` and ``validation/``, ``test/`` or both, by any of the names that
``stages/intake/layout.py`` lists, with a folder per class in each; either may be inside one outer folder. If there is a
``data/labels/labels.csv`` (``path,label``), it says the classes instead. ``corrections.csv`` (``path,label``) changes
the class of photos that have one, or removes them (``remove``). Writes ``data/splits/train.csv``, ``validation.csv``
and ``test.csv`` (``path,label``, sorted by path), ``train_paths.csv`` and ``validation_paths.csv`` (``path``) for
``features``, to which a corrected label makes no difference, ``rejected.csv`` (``path,reason``): every file in none of
the three lists, and ``corrected.csv`` (``path,given,label``): every photo that has its label from ``corrections.csv``.

Duplicates and the photos of a group (``split.group``) are never in two splits. In training, duplicates stay; validation
and test have one photo of each picture, so that scores, confidence intervals and tests count it once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path, PurePosixPath

import pandas as pd

from stages.common.files import atomic_folder, write_csv
from stages.common.params import Split, load_params
from stages.common.paths import CORRECTIONS, LABELS, RAW, SPLITS
from stages.common.program import MismatchError, UserError, run
from stages.intake.corrections import apply_corrections
from stages.intake.duplicates import Fingerprint, fingerprint, group_duplicates
from stages.intake.groups import Group, Picture, assign_splits, join_groups
from stages.intake.layout import SPLIT_NAMES, LabelledPhoto, find_photos, read_labels
from stages.photos.decode import MORE_FRAMES, SUFFIXES, UnreadablePhotoError, open_photo
from stages.photos.lists import DUPLICATE, REMOVED, SAME_GROUP, TWO_LABELS
from stages.photos.parallel import map_in_parallel

logger = logging.getLogger(__name__)

COMPARED_SIZE = 128  # in pixels: a large JPEG is decoded at a reduced size, which still exceeds what is compared
MAX_LOGGED = 50  # rejected files, where they stop the run
HOW_TO_FIX = (
    "data/raw is a copy: to change photos or labels, change what download.photos and download.labels name, then "
    "`dvc repro --force download && dvc repro`"
)

# What lies beside photos: notes, tables, annotations.
NO_PHOTOS = {".csv", ".db", ".html", ".ini", ".json", ".log", ".mat", ".md", ".pdf", ".tsv", ".txt", ".xml", ".yaml"}

Rejected = dict[str, str]  # the reason for each path


def main() -> None:
    settings = load_params().split
    if not RAW.is_dir():
        raise UserError(f"expected the photos in {RAW}, found no such folder: run `dvc repro download`")
    corrections = read_labels(CORRECTIONS, str(CORRECTIONS)) if CORRECTIONS.exists() else {}
    try:
        photos, rejected, reviewed = split_photos(RAW, settings, corrections)
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
        write_csv(pd.DataFrame(reviewed, columns=["path", "given", "label"]), folder / "corrected.csv")
    removed = sum(reason == REMOVED for reason in rejected.values())
    relabelled = sum(given != label for _, given, label in reviewed)
    logger.info("%s: %d labels changed, %d photos removed", CORRECTIONS, relabelled, removed)
    logger.info("rejected: %d files, for the reasons in %s", len(rejected), SPLITS / "rejected.csv")


def split_photos(
    folder: Path, settings: Split, corrections: Mapping[PurePosixPath, set[str]]
) -> tuple[list[LabelledPhoto], Rejected, list[tuple[str, str, str]]]:
    """Assign each usable photo below ``folder`` to a split, and reject every other file.

    Returns:
        The photos; the reason for each other file; the path of each photo that ``corrections`` give a label, with its
        label before and after.

    Raises:
        UserError: Too many files are rejected, ``split.group`` tells nothing apart, a correction fits no photo, or a
            split would have no photos of some class.
    """
    labelled, strays = find_photos(folder, LABELS / "labels.csv")
    found, reviewed, removed = apply_corrections(labelled, corrections)
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
    conflicting = reject_conflicting_labels(pictures)
    check_classes(found, unusable | conflicting)

    groups = join_groups([picture for picture in pictures if picture[0].path not in conflicting], settings.group)
    groups = assign_splits(groups, settings)
    leaking = reject_leaks(groups)
    check_rejected_fraction(found, strays, unusable | conflicting | leaking, settings.max_rejected_fraction)
    copies = reject_copies(chain(*groups))
    rejected = strays | removed | unusable | conflicting | copies | leaking
    kept = [photo for group in groups for photo in chain(*group) if photo.path not in rejected]
    check_splits(kept)
    return kept, rejected, reviewed


def inspect(path: str, max_megapixels: float) -> tuple[Fingerprint | str, bool]:
    """Decode a photo and reduce it to a fingerprint, or say why it is unusable; and whether it has more frames."""
    try:
        photo = open_photo(path, COMPARED_SIZE, max_megapixels)
    except UnreadablePhotoError as error:
        return str(error), False
    return fingerprint(photo), photo.info[MORE_FRAMES]


def check_rejected_fraction(
    found: list[LabelledPhoto], strays: Rejected, rejected: Rejected, max_fraction: float
) -> None:
    """Stop if too many files cannot be used, of those that were meant as photos.

    In a folder of a class they all were, but notes and the like; elsewhere only those that are named like photos.
    """
    misplaced = {path for path in strays if path.lower().endswith(SUFFIXES)}
    meant = misplaced | {photo.path for photo in found if Path(photo.path).suffix.lower() not in NO_PHOTOS}
    reasons = {path: reason for path, reason in (strays | rejected).items() if path in meant}
    if len(reasons) > max_fraction * len(meant):
        log_first(reasons)
        listed = "listed above" if len(reasons) <= MAX_LOGGED else f"the first {MAX_LOGGED} listed above"
        duplicates = any(DUPLICATE in reason for reason in reasons.values())
        hint = "; if those are not duplicates, lower split.duplicate_distance" if duplicates else ""
        raise UserError(
            f"expected at most {max_fraction:.1%} of the photos to be rejected, received {len(reasons)} of "
            f"{len(meant)}, {listed}: fix or remove them, or raise split.max_rejected_fraction{hint}"
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
        raise UserError(f"expected usable photos of every class, found none of {label!r}: {path}: {rejected[path]}")


def reject_conflicting_labels(pictures: list[Picture]) -> Rejected:
    """Reject every photo of a picture with two labels or more, as any of them may be the wrong one."""
    rejected: Rejected = {}
    for picture in pictures:
        firsts = {photo.label: photo.path for photo in reversed(picture)}
        for photo in picture if len(firsts) > 1 else []:
            other = min(path for label, path in firsts.items() if label != photo.label)
            rejected[photo.path] = f"{TWO_LABELS}: {DUPLICATE} {other}, which has another"
    return rejected


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


def reject_copies(pictures: Iterable[Picture]) -> Rejected:
    """Reject all photos of a picture but the first in validation and in test, where each picture counts once."""
    rejected: Rejected = {}
    for picture in pictures:
        for split in SPLIT_NAMES[1:]:
            first, *copies = sorted(photo.path for photo in picture if photo.split == split) or [""]
            rejected |= dict.fromkeys(copies, f"{DUPLICATE} {first}")
    return rejected


def check_splits(photos: list[LabelledPhoto]) -> None:
    """Make sure that every class can be trained, validated and tested."""
    counts = Counter((photo.label, photo.split) for photo in photos)
    for label in sorted({photo.label for photo in photos}):
        if not all(counts[label, split] for split in SPLIT_NAMES):
            raise UserError(
                "expected photos of every class in every split, so three pictures or groups of a class, found of "
                f"{label!r} " + ", ".join(f"{counts[label, split]} in {split}" for split in SPLIT_NAMES)
            )


if __name__ == "__main__":
    run(main, __doc__)
