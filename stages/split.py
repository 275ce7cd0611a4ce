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

import pandas as pd

from stages.common.command import UserError, run
from stages.common.params import Split, load_params
from stages.common.paths import RAW, SPLITS
from stages.common.photos import each_in_parallel, open_photo

logger = logging.getLogger(__name__)

PARTS = ["train", "validation", "test"]


def main() -> None:
    settings = load_params().split
    photos, strays = find_photos(photo_root(RAW))
    photos["reason"] = each_in_parallel(lambda i: complain(photos["path"][i]), range(len(photos)), "checking photos")
    check_rejects(photos, settings.max_rejected_share)

    usable = photos[photos["reason"] == ""].drop(columns="reason")
    parts = assign_parts(usable, settings)
    check_parts(parts)
    rejected = pd.concat([photos.loc[photos["reason"] != "", ["path", "reason"]], strays]).sort_values("path")

    shutil.rmtree(SPLITS, ignore_errors=True)
    SPLITS.mkdir(parents=True)
    for part in PARTS:
        chosen = parts[parts["part"] == part].sort_values("path")
        chosen.to_csv(SPLITS / f"{part}.csv", columns=["path", "label"], index=False)
        logger.info("%s: %d photos", part, len(chosen))
    rejected.to_csv(SPLITS / "rejected.csv", index=False)
    logger.info("rejected: %d files", len(rejected))


def photo_root(folder: Path) -> Path:
    """Step into the one folder that may enclose all others."""
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
        raise UserError(f"expected train/ and validation/ in {root}, received only {'/, '.join(given)}/")
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
    elsewhere = {p.as_posix() for p in root.rglob("*") if p.is_file()} - set(photos["path"])
    strays = pd.DataFrame({"path": sorted(elsewhere), "reason": "in no class folder"}, dtype=str)
    return photos, strays


def complain(path: str) -> str:
    """Say why a file cannot be used as a photo, or nothing."""
    try:
        open_photo(path)
    except Exception as error:  # noqa: BLE001 (a damaged file makes each decoder fail in its own way)
        return f"cannot be decoded: {' '.join(str(error).split())}".replace(f" {path!r}", "")
    return ""


def check_rejects(photos: pd.DataFrame, max_share: float) -> None:
    """Stop where too many files are no photos."""
    rejects = photos[photos["reason"] != ""]
    if len(rejects) > max_share * len(photos):
        first = ", ".join(f"{row.path} ({row.reason})" for row in rejects.head(3).itertuples())
        raise UserError(
            f"expected at most {max_share:.1%} of the files to be unreadable (split.max_rejected_share), "
            f"received {len(rejects)} of {len(photos)}: {first}{', …' if len(rejects) > 3 else ''}"
        )


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
