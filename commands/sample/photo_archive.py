"""Archive of synthetic images."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from commands.sample.drawing import draw_animal
from commands.sample.species import SPECIES
from stages.common.cli import UserError, explain_unwritable
from stages.common.parallel import in_parallel
from stages.storage.files import atomic_write

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can hold: the same drawings, the same bytes


class Drawing(NamedTuple):
    """A synthetic image. Its pixels depend on everything here but ``path``."""

    path: str  # in the archive, such as sample/train/cats/cat.0.jpg
    species: str
    number: int
    seed: int


def draw(drawing: Drawing) -> Image.Image:
    """Draw with a random generator of its own: the number of other drawings does not matter."""
    return draw_animal(
        drawing.species, np.random.default_rng([drawing.seed, drawing.number, *drawing.species.encode()])
    )


def draw_jpeg(drawing: Drawing) -> bytes:
    jpeg = io.BytesIO()
    draw(drawing).save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def list_drawings(classes: Sequence[str], train: int, validation: int, seed: int) -> list[Drawing]:
    """List all drawings, sorted by path; in each class the numbers of validation follow those of training."""
    splits = {"train": range(train), "validation": range(train, train + validation)}
    return sorted(
        Drawing(f"sample/{split}/{species}/{SPECIES[species].singular}.{number}.jpg", species, number, seed)
        for split, numbers in splits.items()
        for species in set(classes)
        for number in numbers
    )


def check_is_replaceable(path: Path) -> None:
    """Refuse to replace a file other than an archive of drawings."""
    if not path.is_file():
        return
    try:
        with zipfile.ZipFile(path) as archive:
            drawn = [of.filename.startswith("sample/") and of.date_time == EPOCH for of in archive.infolist()]
    except zipfile.BadZipFile:
        drawn = []
    if not drawn or not all(drawn):
        raise UserError(f"--output: expected a new file or one with drawings, received {path}, which is neither")


def write_archive(path: Path, classes: Sequence[str], train: int, validation: int, seed: int = 0) -> None:
    """Write a zip with ``train`` and ``validation`` drawings of each class. The same arguments give the same bytes.

    Raises:
        UserError: A class cannot be drawn, a number is too small, or the path cannot be written to or has another file.
    """
    unknown = sorted(set(classes) - set(SPECIES))
    if unknown or not classes:
        raise UserError(f"--classes: expected some of {', '.join(SPECIES)}, received {', '.join(unknown) or 'none'}")
    for option, number, least in (("train", train, 1), ("validation", validation, 1), ("seed", seed, 0)):
        if number < least:
            raise UserError(f"--{option}: expected {least} or more, received {number}")
    check_is_replaceable(path)
    drawings = list_drawings(classes, train, validation, seed)
    jpegs = tqdm(in_parallel(draw_jpeg, drawings), "drawing", len(drawings), unit="photo", disable=None)
    with (
        explain_unwritable(path, "--output"),
        atomic_write(path) as unfinished,
        zipfile.ZipFile(unfinished, "w") as archive,  # stored: JPEG cannot be compressed further
    ):
        for drawing, jpeg in zip(drawings, jpegs, strict=True):
            archive.writestr(zipfile.ZipInfo(drawing.path, EPOCH), jpeg)
