"""Share the photos out among training, validation and test, once and for all later steps.

Reads ``data/raw/``: folders ``train/``, ``validation/`` and perhaps ``test/`` with a folder per class in each,
or just a folder per class; either may lie in one enclosing folder. Writes ``data/splits/train.csv``,
``validation.csv`` and ``test.csv`` (``path,label``, sorted by path), and ``rejected.csv`` (``path,reason``):
every file that is in none of the three.
"""

import hashlib
import logging
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stages.common.command import UserError, run
from stages.common.duplicates import group_same, perceptual_hash
from stages.common.output import write_csv
from stages.common.params import Split, load_params
from stages.common.paths import RAW, SPLITS
from stages.common.photos import DUPLICATE, each_in_parallel, open_photo

logger = logging.getLogger(__name__)

PARTS = ["train", "validation", "test"]
# Names that folders of parts go by elsewhere, and that classes hardly have.
OTHER_NAMES = re.compile(r"(train|training|val|valid|validation|test|testing)([-_ ]?(set|data))?", re.IGNORECASE)


def main() -> None:
    settings = load_params().split
    photos, strays = find_photos(photo_root(RAW))
    findings = each_in_parallel(lambda i: inspect(photos["path"][i]), range(len(photos)), "checking photos")
    photos["reason"] = [reason for reason, _ in findings]
    check_rejects(photos, strays, settings.max_rejected_share)

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

    shutil.rmtree(SPLITS, ignore_errors=True)
    for part in PARTS:
        chosen = parts[parts["part"] == part].sort_values("path")
        write_csv(chosen[["path", "label"]], SPLITS / f"{part}.csv")
        logger.info("%s: %d photos", part, len(chosen))
    write_csv(rejected[["path", "reason"]], SPLITS / "rejected.csv")
    logger.info("left out: %d files, for the reasons in %s", len(rejected), SPLITS / "rejected.csv")


def photo_root(folder: Path) -> Path:
    """Step into the one folder that may enclose all others."""
    if not folder.is_dir():
        raise UserError(f"expected the photos in {folder}, found no such folder: run `dvc repro download`")
    while True:
        inner = subfolders(folder)
        if len(inner) != 1 or not subfolders(inner[0]):
            return folder
        folder = inner[0]


def subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def find_photos(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the files of each class.

    Returns:
        ``path``, ``label`` and ``part`` ("train", "validation", "test", or "" where the archive leaves that open)
        of the files in class folders, and ``path`` and ``reason`` of those outside.
    """
    folders = {folder.name: folder for folder in subfolders(root)}
    given = [part for part in PARTS if part in folders]
    if given and not {"train", "validation"} <= folders.keys():
        raise UserError(f"expected train/ and validation/ in {root}, received {'/, '.join(folders)}/: rename them")
    misnamed = [name for name in folders if OTHER_NAMES.fullmatch(name) and name not in PARTS]
    if misnamed:
        raise UserError(
            f"expected a folder per class in {root}, or train/, validation/ and perhaps test/, "
            f"received {'/, '.join(misnamed)}/: rename {'them' if misnamed[1:] else 'it'}"
        )
    class_folders = (
        [(part, folder) for part in given for folder in subfolders(folders[part])]
        if given
        else [("", folder) for folder in folders.values()]
    )
    rows = []
    for part, folder in class_folders:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            raise UserError(f"expected photos in the class folder {folder}, found none: fill it or delete it")
        rows += [(path.as_posix(), folder.name, part) for path in files]

    photos = pd.DataFrame(rows, columns=["path", "label", "part"])
    labels = sorted(set(photos["label"]))
    if len(labels) < 2:
        raise UserError(f"expected two or more class folders in {root}, found {labels}")
    elsewhere = {path.as_posix() for path in RAW.rglob("*") if path.is_file()} - set(photos["path"])
    strays = pd.DataFrame({"path": sorted(elsewhere), "reason": "in no class folder"}, dtype=str)
    return photos, strays


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
        reason = " ".join(str(error).split()).replace(f" {path!r}", "")
        return f"cannot be decoded: {reason or type(error).__name__}", np.zeros(64, bool)


def check_rejects(photos: pd.DataFrame, strays: pd.DataFrame, max_share: float) -> None:
    """Stop where too many files in class folders are no photos, or too many photos are in no class folder."""
    suffixes = tuple(Image.registered_extensions())
    outside = strays[strays["path"].str.lower().str.endswith(suffixes)]  # a readme may well be there
    rejects = pd.concat([photos[photos["reason"] != ""], outside])
    number = len(photos) + len(outside)
    if len(rejects) > max_share * number:
        first = ", ".join(f"{row.path} ({row.reason})" for row in rejects.head(3).itertuples())
        raise UserError(
            f"expected at most {max_share:.1%} of the files to be of no use (split.max_rejected_share), "
            f"received {len(rejects)} of {number}: {first}{', …' if len(rejects) > 3 else ''}"
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
        rank = same["part"].map(["", *PARTS].index)
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
    counts = pd.crosstab(photos["label"], photos["part"]).reindex(columns=PARTS, fill_value=0)
    for label, row in counts.iterrows():
        if not row.all():
            raise UserError(
                f"expected photos of every class in every split, found of {label!r} "
                + ", ".join(f"{count} in {part}" for part, count in row.items())
            )


if __name__ == "__main__":
    run(main)
