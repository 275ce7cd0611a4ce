"""Write an archive of drawn photos."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from commands.sample.drawing import draw_animal
from commands.sample.species import SPECIES
from stages.common.cli import UserError, explain_unwritable
from stages.common.parallel import in_parallel
from stages.storage.files import atomic_write

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can hold: the same drawings, the same bytes


class Picture(NamedTuple):
    """A photo to draw. Its bytes depend on everything here but ``path``."""

    path: str  # in the archive, such as sample/train/cats/cat.0.jpg
    species: str
    number: int
    seed: int


def draw_jpeg(picture: Picture) -> bytes:
    """Draw a picture as JPEG, with a random generator of its own: how many others are drawn does not change it."""
    rng = np.random.default_rng([picture.seed, picture.number, *picture.species.encode()])
    jpeg = io.BytesIO()
    draw_animal(picture.species, rng).save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def list_pictures(classes: Sequence[str], train: int, validation: int, seed: int) -> list[Picture]:
    """List all pictures, sorted by path; in each class the numbers of validation follow those of training."""
    splits = {"train": range(train), "validation": range(train, train + validation)}
    return sorted(
        Picture(f"sample/{split}/{species}/{SPECIES[species].singular}.{number}.jpg", species, number, seed)
        for split, numbers in splits.items()
        for species in set(classes)
        for number in numbers
    )


def check_is_drawn(path: Path) -> None:
    """Make sure that a zip that is to be replaced, if there is one, has drawings alone.

    Raises:
        UserError: It is another file.
    """
    if not path.is_file():
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        members = []
    if not members or any(not of.filename.startswith("sample/") or of.date_time != EPOCH for of in members):
        raise UserError(f"--output: expected a new file or one with drawings, received {path}, which is neither")


def write_archive(path: Path, classes: Sequence[str], train: int, validation: int, seed: int = 0) -> None:
    """Write a zip with ``train`` and ``validation`` pictures of each class. The same arguments give the same bytes.

    Raises:
        UserError: A class cannot be drawn, a number is too small, or the path cannot be written to or has another file.
    """
    unknown = sorted(set(classes) - set(SPECIES))
    if unknown or not classes:
        raise UserError(f"--classes: expected some of {', '.join(SPECIES)}, received {', '.join(unknown) or 'none'}")
    for option, number, least in (("train", train, 1), ("validation", validation, 1), ("seed", seed, 0)):
        if number < least:
            raise UserError(f"--{option}: expected {least} or more, received {number}")
    check_is_drawn(path)
    pictures = list_pictures(classes, train, validation, seed)
    jpegs = tqdm(in_parallel(draw_jpeg, pictures), "drawing", len(pictures), unit="photo", disable=None)
    with (
        explain_unwritable(path, "--output"),
        atomic_write(path) as unfinished,
        zipfile.ZipFile(unfinished, "w") as archive,  # stored: JPEG cannot be compressed further
    ):
        for picture, jpeg in zip(pictures, jpegs, strict=True):
            archive.writestr(zipfile.ZipInfo(picture.path, EPOCH), jpeg)
