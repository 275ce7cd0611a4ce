"""Archive of synthetic images."""

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


class SyntheticImage(NamedTuple):
    """A synthetic image. Its pixels depend on everything here but ``path``."""

    path: str  # in the archive, such as sample/train/cats/cat.0.jpg
    species: str
    number: int
    seed: int


def draw_jpeg(image: SyntheticImage) -> bytes:
    """Draw with a random generator of its own: the number of other images does not matter."""
    rng, jpeg = np.random.default_rng([image.seed, image.number, *image.species.encode()]), io.BytesIO()
    draw_animal(image.species, rng).save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def list_images(classes: Sequence[str], train: int, validation: int, seed: int) -> list[SyntheticImage]:
    """List all images, sorted by path; in each class the numbers of validation follow those of training."""
    splits = {"train": range(train), "validation": range(train, train + validation)}
    return sorted(
        SyntheticImage(f"sample/{split}/{species}/{SPECIES[species].singular}.{number}.jpg", species, number, seed)
        for split, numbers in splits.items()
        for species in set(classes)
        for number in numbers
    )


def write_archive(path: Path, classes: Sequence[str], train: int, validation: int, seed: int = 0) -> None:
    """Write a zip with ``train`` and ``validation`` images of each class. The same arguments give the same bytes."""
    for option, number, least in (("train", train, 1), ("validation", validation, 1), ("seed", seed, 0)):
        if number < least:
            raise UserError(f"--{option}: expected {least} or more, received {number}")
    if path.is_file():
        raise UserError(f"--output: expected a new file, received {path}, which exists: delete it, or choose another")
    images = list_images(classes, train, validation, seed)
    jpegs = tqdm(in_parallel(draw_jpeg, images), "drawing", len(images), unit="photo", disable=None)
    with explain_unwritable(path, "--output"), atomic_write(path) as new, zipfile.ZipFile(new, "w") as archive:
        for image, jpeg in zip(images, jpegs, strict=True):
            archive.writestr(zipfile.ZipInfo(image.path), jpeg)  # dated 1980, and stored: JPEG is compressed already
