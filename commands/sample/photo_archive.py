"""Archive of synthetic images."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from commands.sample.drawing import draw_animal
from commands.sample.species import SPECIES
from stages.common.cli import UserError, explain_unwritable
from stages.common.parallel import in_parallel
from stages.storage.files import atomic_write


def draw(species: str, number: int, seed: int) -> Image.Image:
    """Draw with a random generator of its own: the number of other images does not matter."""
    return draw_animal(species, np.random.default_rng([seed, number, *species.encode()]))


def write_archive(path: Path, classes: Sequence[str], train: int, validation: int, seed: int = 0) -> None:
    """Write a zip with ``train`` and ``validation`` images of each class. The same arguments give the same bytes."""
    for option, number, least in (("train", train, 1), ("validation", validation, 1), ("seed", seed, 0)):
        if number < least:
            raise UserError(f"--{option}: expected {least} or more, received {number}")
    if path.is_file():
        raise UserError(f"--output: expected a new file, received {path}, which exists: delete it, or choose another")
    splits = {"train": range(train), "validation": range(train, train + validation)}
    images = {
        f"sample/{split}/{species}/{SPECIES[species].singular}.{number}.jpg": (species, number)
        for split, numbers in splits.items()
        for species in classes
        for number in numbers
    }

    def draw_jpeg(name: str) -> bytes:
        jpeg = io.BytesIO()
        draw(*images[name], seed).save(jpeg, "JPEG", quality=90)
        return jpeg.getvalue()

    names = sorted(images)
    jpegs = tqdm(in_parallel(draw_jpeg, names), "drawing", len(names), unit="photo", disable=None)
    with explain_unwritable(path, "--output"), atomic_write(path) as new, zipfile.ZipFile(new, "w") as archive:
        for name, jpeg in zip(names, jpegs, strict=True):
            archive.writestr(zipfile.ZipInfo(name), jpeg)  # dated 1980, and stored: JPEG is compressed already
