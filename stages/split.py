"""Share the photos out among training, validation and test, once and for all later steps.

Reads ``data/raw/``: folders ``train/``, ``validation/`` and perhaps ``test/`` with a folder per class in each,
or just a folder per class; either may lie in one enclosing folder. Writes ``data/splits/train.csv``,
``validation.csv`` and ``test.csv`` (``path,label``, sorted by path), and ``rejected.csv`` (``path,reason``):
every file that is in none of the three.
"""

import hashlib
import logging
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stages.common.files import write_csv
from stages.common.params import Split, load_params
from stages.common.paths import RAW, SPLITS
from stages.common.program import UserError, run
from stages.intake.duplicates import group_same, perceptual_hash
from stages.intake.layout import SPLIT_NAMES, find_photos
from stages.photos.decode import map_in_parallel, open_photo, reason_of
from stages.photos.lists import DUPLICATE

logger = logging.getLogger(__name__)

LISTED = 50  # files that cannot be used, where they stop the run
HOW_TO_MEND = "data/raw is a copy: mend what download.photos names, then `dvc repro --force download && dvc repro`"


def main() -> None:
    settings = load_params().split
    if not RAW.is_dir():
        raise UserError(f"expected the photos in {RAW}, found no such folder: run `dvc repro download`")
    try:
        parts, rejected = share_out(settings)
    except UserError as error:
        raise UserError(f"{error} ({HOW_TO_MEND})") from error

    shutil.rmtree(SPLITS, ignore_errors=True)
    for part in SPLIT_NAMES:
        chosen = parts[parts["part"] == part].sort_values("path")
        write_csv(chosen[["path", "label"]], SPLITS / f"{part}.csv")
        logger.info("%s: %d photos", part, len(chosen))
    write_csv(rejected[["path", "reason"]], SPLITS / "rejected.csv")
    logger.info("left out: %d files, for the reasons in %s", len(rejected), SPLITS / "rejected.csv")


def share_out(settings: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find the photos, reject what is of no use, and give each other its part.

    Returns:
        ``path``, ``label`` and ``part`` of the photos, and ``path`` and ``reason`` of the rejects, sorted by path.
    """
    photos, strays = find_photos(RAW)
    findings = map_in_parallel(lambda i: inspect(photos["path"][i]), range(len(photos)), "checking photos")
    photos["reason"] = [reason for reason, _ in findings]
    check_rejects(photos, strays, settings.max_rejected_fraction)
    check_classes(photos)

    readable = photos[photos["reason"] == ""]
    hashes = np.stack([found for _, found in findings])[readable.index]
    distance = settings.duplicate_distance
    same = np.arange(len(hashes)) if distance is None else group_same(hashes, distance)
    unique = reject_duplicates(readable.assign(same=same))
    check_classes(pd.concat([photos[photos["reason"] != ""], unique]))
    parts = reject_duplicates(assign_parts(unique[unique["reason"] == ""], settings))
    all_rejects = pd.concat([photos, unique, parts, strays])
    rejected = all_rejects[all_rejects["reason"] != ""].sort_values("path")
    parts = parts[parts["reason"] == ""]
    check_parts(parts)
    return parts, rejected


def inspect(path: str) -> tuple[str, np.ndarray]:
    """Decode a file, and say why it cannot be used as a photo, or nothing.

    Returns:
        The reason or "", and the photo's perceptual hash, bool shaped (64,) (of a reject, zeros).
    """
    try:
        with Image.open(path) as opened:
            kind = {"MPO": "JPEG"}.get(str(opened.format), opened.format)  # JPEGs with a second picture behind
        if Image.registered_extensions().get(Path(path).suffix.lower()) != kind:
            return f"has the name of another kind of file, but is a {kind}: rename it", np.zeros(64, bool)
        return "", perceptual_hash(open_photo(path))
    except Exception as error:  # noqa: BLE001 (a damaged file makes each decoder fail in its own way)
        return reason_of(error, path), np.zeros(64, bool)


def check_rejects(photos: pd.DataFrame, strays: pd.DataFrame, max_share: float) -> None:
    """Stop where too many files in class folders are no photos, or too many photos are in no class folder."""
    suffixes = tuple(Image.registered_extensions())
    outside = strays[strays["path"].str.lower().str.endswith(suffixes)]  # a readme may well be there
    rejects = pd.concat([photos[photos["reason"] != ""], outside])
    number = len(photos) + len(outside)
    if len(rejects) > max_share * number:
        for row in rejects.head(LISTED).itertuples():
            logger.warning("%s: %s", row.path, row.reason)
        listed = "listed above" if len(rejects) <= LISTED else f"the first {LISTED} listed above"
        raise UserError(
            f"expected at most {max_share:.1%} of the files to be of no use (split.max_rejected_fraction), "
            f"received {len(rejects)} of {number}, {listed}"
        )


def check_classes(photos: pd.DataFrame) -> None:
    """Make sure that no class has lost all its photos.

    Args:
        photos: ``path``, ``label`` and ``reason``, "" where the photo is of use.
    """
    for label, group in photos.groupby("label"):
        if (group["reason"] != "").all():
            path, reason = group[["path", "reason"]].iloc[0]
            raise UserError(f"expected photos of every class, found none of {label!r} that is of use: {path}: {reason}")


def assign_parts(photos: pd.DataFrame, settings: Split) -> pd.DataFrame:
    """Give each photo its part, in the same proportions for each class.

    Args:
        photos: ``path``, ``label`` and ``part`` as found; "" where the part is still open.

    Returns:
        The same photos with every ``part`` set.
    """
    classes = []
    for _, group in photos.sort_values("path").groupby("label"):
        part = group["part"].copy()
        if (part == "").all():
            # Ranked by a hash of its path, a photo keeps its place when others join or leave.
            ranked = sorted(group.index, key=lambda i: stable_rank(group["path"][i], settings.seed))
            tests = max(1, round(len(ranked) * settings.test_fraction))
            validates = max(1, round(len(ranked) * settings.validation_fraction))
            part[:] = "train"
            part[ranked[:tests]] = "test"
            part[ranked[tests : tests + validates]] = "validation"
        elif "test" not in set(photos["part"]):
            part[part[part == "validation"].index[:: settings.test_every]] = "test"
        classes.append(group.assign(part=part))
    return pd.concat(classes)


def stable_rank(path: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {path}".encode()).hexdigest()


def reject_duplicates(photos: pd.DataFrame) -> pd.DataFrame:
    """Give a reason to each photo that must go because the same photo is there once more.

    Under two labels nobody knows which is right, so all must. In two parts the score of the one would be a lie
    about the other: the photo stays where it tests, else where it validates.

    Args:
        photos: ``path``, ``label``, ``part`` and ``same``, a number that photos share which are the same.

    Returns:
        The same photos with ``reason``, "" where there is none.
    """
    photos = photos.assign(reason="")
    repeated = photos[photos["same"].duplicated(keep=False)]
    for _, same in repeated.groupby("same"):
        rank = same["part"].map(["", *SPLIT_NAMES].index)
        for index in same.index:
            relabelled = same["path"][same["label"] != same["label"][index]]
            stronger = same[rank > rank[index]]
            if len(relabelled):
                photos.loc[index, "reason"] = f"{DUPLICATE} {relabelled.iloc[0]}, which has another label"
            elif len(stronger):
                photos.loc[index, "reason"] = f"{DUPLICATE} {stronger['path'].iloc[-1]}"
    return photos


def check_parts(photos: pd.DataFrame) -> None:
    """Make sure that every class can be trained, validated and tested."""
    counts = pd.crosstab(photos["label"], photos["part"]).reindex(columns=SPLIT_NAMES, fill_value=0)
    for label, row in counts.iterrows():
        if not row.all():
            raise UserError(
                f"expected photos of every class in every split, three or more of a class, found of {label!r} "
                + ", ".join(f"{count} in {part}" for part, count in row.items())
            )


if __name__ == "__main__":
    run(main, __doc__)
