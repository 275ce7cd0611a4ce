"""The files of a set of features: what ``stages.features`` notes beside its arrays, and how other steps open them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from stages.common.files import fingerprint, write_json
from stages.common.paths import FEATURES, SPLITS
from stages.common.program import UserError, first_line
from stages.photos.arrays import DiskArray, open_array

Lists = Mapping[str, pd.DataFrame]  # of photos, by split


def write_about(folder: Path, lists: Lists, environment: list[str]) -> None:
    """Write ``about.json``: of which photos the features are, and the versions and hardware that computed them."""
    write_json({"photos": fingerprints(lists), "environment": environment}, folder / "about.json")


def open_features(name: str, lists: Lists) -> dict[str, DiskArray]:
    """Open a set of features for the photos in some lists.

    Raises:
        UserError: The files are not there or damaged, or of other photos.
    """
    folder, remedy = FEATURES / name, f"run `dvc repro features@{name}`"
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        if about["photos"] != fingerprints(lists):
            raise UserError(f"{folder}: expected features of the photos in {SPLITS}, received others': {remedy}")
        return {split: open_array(folder / f"{split}.npy") for split in lists}
    except FileNotFoundError as error:
        raise UserError(f"expected the features {error.filename}, found none: {remedy}") from error
    except (ValueError, EOFError) as error:
        raise UserError(
            f"{folder}: expected whole files, received damaged ones ({first_line(error)}): {remedy}"
        ) from error


def fingerprints(lists: Lists) -> dict[str, str]:
    """Hash the paths of each list, in their order."""
    return {split: fingerprint(photos["path"]) for split, photos in lists.items()}
