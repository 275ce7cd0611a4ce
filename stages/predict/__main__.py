"""Name the class of new photos, by the best model or any other, of now or of any git revision.

Reads photos, ``data/models/MODEL.keras`` and ``.json``, and without ``--model`` ``metrics/best.json``; with ``--rev``
those of that revision, through DVC. Writes each photo's class and probabilities to stdout or a file, and nothing
into the project's data.

    python -m stages.predict photo.jpg folder/    # see --help for its options
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TextIO

import numpy as np
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from stages.common.program import NO_SPACE, UserError, run
from stages.inference.model import predict_probabilities
from stages.intake.archive import is_hidden
from stages.photos.decode import pixels_or_reason
from stages.predict.formats import FORMATS, Prediction, printable
from stages.predict.model_file import TrainedModel, load_trained_model

logger = logging.getLogger(__name__)

CHUNK = 256  # photos in memory at a time
BATCH_SIZE = 32


def main() -> None:
    args = parse_arguments()
    write = FORMATS[format_of(args)]
    paths = list_files(args.photos)
    trained = load_trained_model(args.model, args.rev)
    failed: list[Path] = []
    predictions = predict(trained, paths, failed)
    try:
        with logging_redirect_tqdm(), opened(args.output) as file:
            for text in write(predictions, trained.class_names, paths):
                with tqdm.external_write_mode(file):
                    file.write(text)
            file.flush()
    except BrokenPipeError:  # as by `| head`: who read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    if failed:
        raise UserError(
            f"expected photos, received {len(failed)} of {len(paths)} files that cannot be decoded (listed above): "
            f"mend or remove them; {trained.name} named the other {len(paths) - len(failed)}"
        )
    logger.info("%s named %d photos", trained.name, len(paths))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m stages.predict",
        description="Name the class of new photos.",
        epilog="Exit code 1 if any file could not be decoded; the others are named all the same.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER")
    parser.add_argument("--model", help="one of data/models/ (default: the best on validation)")
    parser.add_argument(
        "--rev", metavar="GIT_REV", help="the model as of this commit, branch, tag or experiment, through DVC"
    )
    parser.add_argument("--format", choices=FORMATS, help="default: by FILE's suffix (csv, json, txt), else table")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: stdout")
    return parser.parse_args()


def format_of(args: argparse.Namespace) -> str:
    suffix = args.output.suffix[1:].lower() if args.output else ""
    if args.format or suffix in FORMATS:
        return str(args.format or suffix)
    if suffix not in ("", "txt"):
        raise UserError(f"--output: expected a name in .csv, .json or .txt, or --format, received {args.output}")
    return "table"


def list_files(given: Sequence[Path]) -> list[Path]:
    """List the files to name: those given, and all in folders given, sorted, hidden ones left out."""
    paths: list[Path] = []
    for path in given:
        if not path.exists():
            raise UserError(f"expected a photo or a folder of photos, received {printable(path)}: no such file")
        inside = sorted(path.rglob("*")) if path.is_dir() else []
        # A link to a folder, or to nothing, counts as a file, which then cannot be decoded.
        files = [file for file in inside if file.is_symlink() or file.is_file()]
        files = [file for file in files if not is_hidden(PurePosixPath(file.relative_to(path)))]
        if path.is_dir() and not files:
            raise UserError(f"expected photos in the folder {printable(path)}, found none: fill it or leave it out")
        paths += files or [path]
    return paths


def predict(trained: TrainedModel, paths: Sequence[Path], failed: list[Path]) -> Iterator[Prediction]:
    """Predict photo after photo, holding a chunk in memory; log each file that is none and add it to ``failed``."""
    load = partial(pixels_or_reason, image_size=trained.image_size)
    with ThreadPoolExecutor() as pool, tqdm(total=len(paths), desc="predicting", unit="photo", disable=None) as bar:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            photos: dict[int, np.ndarray] = {}
            for number, loaded in enumerate(pool.map(load, chunk)):
                if isinstance(loaded, str):
                    logger.warning("%s: %s", printable(chunk[number]), loaded)
                    failed.append(chunk[number])
                else:
                    photos[number] = loaded
            if photos:
                probabilities = predict_probabilities(trained.model, np.stack(list(photos.values())), BATCH_SIZE)
                yield from map(Prediction, (chunk[number] for number in photos), probabilities)
            bar.update(len(chunk))


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """Open the file to write, which appears under its name once it is whole, or stdout."""
    if output is None:
        yield sys.stdout
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".unfinished-", dir=output.parent) as folder:
            unfinished = Path(folder, output.name)
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                yield file
            unfinished.replace(output)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise
        raise UserError(f"expected to write {output}, received: {error}: choose another --output") from error


if __name__ == "__main__":
    run(main)
