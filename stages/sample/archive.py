"""Draw the built-in data set: a zip laid out as the archive of photos that the pipeline reads.

Reads nothing. Writes ``data/sample.zip``. Run as ``python -m stages.sample``; see ``--help`` for its options.
"""

import argparse
import hashlib
import io
import logging
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from stages.common.files import atomic_write
from stages.common.program import UserError, run
from stages.sample.drawing import draw_animal
from stages.sample.species import SPECIES

logger = logging.getLogger(__name__)

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can hold: the same drawings, the same bytes


class Picture(NamedTuple):
    """One photo to draw: everything its bytes depend on, and ``split``, which they do not."""

    split: str
    species: str
    number: int
    seed: int

    @property
    def path(self) -> str:
        """Where it goes in the archive, as in ``sample/train/cats/cat.0.jpg``."""
        return f"sample/{self.split}/{self.species}/{SPECIES[self.species].singular}.{self.number}.jpg"


def draw_jpeg(picture: Picture) -> bytes:
    """The picture as JPEG. Its generator is its own: how many others are drawn does not change it."""
    rng = np.random.default_rng([picture.seed, picture.number, *picture.species.encode()])
    jpeg = io.BytesIO()
    draw_animal(picture.species, rng).save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()


def list_pictures(classes: Sequence[str], train: int, validation: int, seed: int) -> list[Picture]:
    """All pictures, sorted by path; each class's validation numbers follow its train numbers."""
    numbers = {"train": range(train), "validation": range(train, train + validation)}
    pictures = [
        Picture(split, species, number, seed)
        for split in numbers
        for species in set(classes)
        for number in numbers[split]
    ]
    return sorted(pictures, key=lambda picture: picture.path)


def draw_all(pictures: Sequence[Picture]) -> Iterator[bytes]:
    """The pictures as JPEG, in their order."""
    if len(pictures) < 100:  # a process takes longer to start than these to draw
        yield from map(draw_jpeg, pictures)
        return
    # Spawned, not forked: a caller may have TensorFlow's threads, which do not survive a fork.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from pool.map(draw_jpeg, pictures, chunksize=16)


def write_archive(path: Path, classes: Sequence[str], train: int, validation: int, seed: int = 0) -> None:
    """Write the zip: ``train`` and ``validation`` pictures of each class. Same arguments, same bytes.

    Raises:
        UserError: a class that cannot be drawn, a number that is too small, a path that cannot be written.
    """
    check(classes, train, validation, seed)
    try:
        write_zip(path, list_pictures(classes, train, validation, seed))
    except OSError as error:
        raise UserError(f"expected to write {path}, received: {error}: choose another --output") from error


def write_zip(path: Path, pictures: Sequence[Picture]) -> None:
    """Draw the pictures into a zip, which appears under its name once it is whole."""
    jpegs = tqdm(draw_all(pictures), "drawing", len(pictures), unit="photo", disable=None)
    with atomic_write(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:  # stored: JPEG shrinks no more
        for picture, jpeg in zip(pictures, jpegs, strict=True):
            archive.writestr(zipfile.ZipInfo(picture.path, EPOCH), jpeg)


def check(classes: Sequence[str], train: int, validation: int, seed: int) -> None:
    """Raise UserError where ``write_archive`` cannot do what is asked."""
    unknown = sorted(set(classes) - set(SPECIES))
    if unknown or not classes:
        raise UserError(f"--classes: expected some of {', '.join(SPECIES)}, received {', '.join(unknown) or 'none'}")
    for option, number, least in (("train", train, 1), ("validation", validation, 1), ("seed", seed, 0)):
        if number < least:
            raise UserError(f"--{option}: expected {least} or more, received {number}")


def main() -> None:
    """Read the command line, write the archive, say what was written."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.sample",
        description="Draw a data set of animals.",
        epilog="Numbers are per class.",
    )
    parser.add_argument("--classes", nargs="+", default=["cats", "dogs"], help=f"out of {', '.join(SPECIES)}")
    parser.add_argument("--train", type=int, default=80, metavar="N")
    parser.add_argument("--validation", type=int, default=150, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=Path("data/sample.zip"), metavar="ZIP")
    args = parser.parse_args()
    write_archive(args.output, args.classes, args.train, args.validation, args.seed)
    count = (args.train + args.validation) * len(set(args.classes))
    digest = hashlib.sha256(args.output.read_bytes()).hexdigest()
    logger.info(
        "Wrote %s: %d photos of %s, sha256 %s",
        args.output,
        count,
        ", ".join(sorted(set(args.classes))),
        digest,
    )


if __name__ == "__main__":
    run(main)
