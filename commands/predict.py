"""Classify new photos with the best model or another one, as it is now or was in any git revision.

Reads photos, ``data/models/MODEL.keras``, ``.json`` and ``.npz``, and without ``--model`` ``metrics/best.json``; with
``--rev`` those of that revision, through DVC. Writes the class and the probabilities of each photo to stdout or a file,
with a note if ``confidence`` in ``params.yaml`` has a threshold. In the project it writes nothing but an export of the
model (``commands/export/export_cache.py``).

    python -m commands.predict photo.jpg folder/    # see --help for its options
"""

import argparse
import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from commands.export.export_cache import load_exported
from stages.common.cli import (
    CONTROLS,
    UserError,
    command_parser,
    escape_bytes,
    escape_name,
    explain_unwritable,
    logger,
    plural,
    run,
)
from stages.common.parallel import in_parallel
from stages.common.params import load_params
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.photos.decode import UnreadablePhotoError, resized_pixels
from stages.photos.shards import packed_photos
from stages.storage.files import atomic_write
from stages.storage.non_photos import find_sidecars, unreadable_folders, visible_files

EPILOG = (
    "If a file cannot be decoded, the others are classified all the same, and the exit code is 1. In a folder, notes, "
    "films and the like are only counted."
)
CHUNK_SIZE = 256  # photos in memory at a time, beside those of the chunk before


def main() -> None:
    args = parse_arguments()
    format_rows = FORMATS[choose_format(args.format, args.output)]
    paths = list_photos(args.photos)
    if args.output and args.output.resolve() in [path.resolve() for path in paths if path.name == args.output.name]:
        raise UserError(f"--output: expected another file than the photos, received one of them, {args.output}")
    params = load_params()
    trained = load_exported(fetch_model_file(args.model, args.rev), params.confidence)
    problems: dict[Path, str] = {}
    tables = classify_files(trained, paths, params.split.max_megapixels, problems)
    with open_output(args.output) as file, logging_redirect_tqdm():
        for text in format_rows(tables):
            with tqdm.external_write_mode(file):
                file.write(text)
    report_problems(trained.name, len(set(paths)), problems, paths, set(args.photos))


def parse_arguments() -> argparse.Namespace:
    parser = command_parser("Classify new photos with a trained model.", EPILOG)
    parser.add_argument("photos", nargs="+", metavar="PHOTO_OR_FOLDER", help="hidden files in a folder are left out")
    add_model_options(parser)
    parser.add_argument("--format", choices=FORMATS, help="of the output (default: by the suffix of FILE, else table)")
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="file to write (default: -, stdout)")
    args = parser.parse_args()
    if "" in args.photos:  # of an unset variable; as a path it would be the current folder
        parser.error("expected a photo or a folder, received an empty name")
    args.photos = [Path(photo) for photo in args.photos]
    args.output = None if args.output == "-" else Path(args.output)
    return args


def add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="a model in data/models/ (default: the best on the validation photos)")
    parser.add_argument("--rev", metavar="GIT_REV", help="take the model from this commit, branch, tag or experiment")


def choose_format(name: str | None, output: Path | None) -> str:
    """Return the format that is asked for, or else that of the output's suffix."""
    if not output:
        return name or "table"
    if output.exists() and not output.is_file():
        raise UserError(f"--output: expected the name of a file, received {escape_name(output)}, a folder or a device")
    suffix = output.suffix[1:].lower()
    if not name and suffix not in (*FORMATS, "txt", ""):
        received = escape_name(output)
        raise UserError(f"--output: expected a name in .csv, .json or .txt, or --format, received {received}")
    return name or (suffix if suffix in FORMATS else "table")


def list_photos(given: Sequence[Path]) -> list[Path]:
    """List the given files, none of which may be missing, and those in given folders or shards, but for hidden ones."""
    paths: list[Path] = []
    for path in given:
        if packed := packed_photos(path):
            paths += map(Path, packed)
            continue
        if not path.exists():
            raise UserError(f"expected a photo or a folder of photos, received {escape_name(path)}: no such file")
        # Named pipes, links to folders or to nothing, and unreadable folders are listed, and fail to be decoded.
        files = [path / name for name in visible_files(path)]
        files += [Path(error.filename) for error in unreadable_folders(path)]
        if path.is_dir() and not files:
            raise UserError(f"expected photos in the folder {escape_name(path)}, found none: add some, or leave it out")
        paths += sorted(files) or [path]
    return paths


def classify_files(
    trained: TrainedModel, paths: Sequence[Path], max_megapixels: float, problems: dict[Path, str]
) -> Iterator[pd.DataFrame]:
    """Yield the ``path`` and the classification of up to ``CHUNK_SIZE`` photos at a time, in their order.

    Why others cannot be decoded is added to ``problems``.
    """

    def decode(path: Path) -> np.ndarray | UnreadablePhotoError:
        try:
            return resized_pixels(path, trained.image_size, trained.image_fit, max_megapixels)
        except UnreadablePhotoError as error:
            return error

    with tqdm(total=len(paths), desc="predicting", unit="photo", disable=None) as bar:
        for start in range(0, len(paths), CHUNK_SIZE):
            chunk, names, photos = paths[start : start + CHUNK_SIZE], [], []
            for path, photo in zip(chunk, in_parallel(decode, chunk), strict=True):
                if isinstance(photo, UnreadablePhotoError):
                    problems[path] = str(photo)
                else:
                    names.append(escape_bytes(path))
                    photos.append(photo)
            table = trained.classify(np.array(photos, np.uint8).reshape(-1, *trained.image_size, 3))
            table.insert(0, "path", names)
            yield table
            bar.update(len(chunk))


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Open stdout, or the output file, which is atomic: complete or absent."""
    if path:
        with (
            explain_unwritable(path, "--output"),
            atomic_write(path) as unfinished,
            unfinished.open("w", encoding="utf-8", newline="") as file,
        ):
            yield file
        return
    yield sys.stdout
    sys.stdout.flush()


def report_problems(
    model: str, files: int, problems: Mapping[Path, str], paths: Iterable[Path], named: Collection[Path] = ()
) -> None:
    """Log the files that could not be decoded, and raise a UserError if there are any.

    Those whose names say that they are not photos are only counted, unless the user named them; so is a RAW beside its
    JPEG, for which ``paths`` are searched.
    """
    unnamed = [str(path) for path in problems if path not in named]
    classified = (str(path) for path in paths if path not in problems)
    if sidecars := {Path(name) for name in find_sidecars(unnamed, classified)}:
        text = "notes, films and the like beside photos: %d, such as %s"
        logger.info(text, len(sidecars), escape_name(min(sidecars)))
    failed = {path: problem for path, problem in problems.items() if path not in sidecars}
    for path, problem in failed.items():
        logger.warning("%s: %s", escape_name(path), problem)
    photos = files - len(sidecars)
    if failed:
        others = f"; {model} classified the other {photos - len(failed)}" if len(failed) < photos else ""
        raise UserError(
            f"{len(failed)} of {plural(photos, 'file')} cannot be decoded (listed above): "
            f"fix or remove {'it' if len(failed) == 1 else 'them'}{others}"
        )
    if not photos:
        raise UserError("expected photos, found only notes, films and the like: name a folder or file that has some")
    logger.info("%s classified %s", model, plural(photos, "photo"))


def table_lines(tables: Iterable[pd.DataFrame]) -> Iterator[str]:
    """Align path, class, probability and note in columns, whose widths need all rows; escape control characters."""
    rows = pd.concat([table.filter(["path", "class", "probability", "note"]) for table in tables])
    rows["probability"] = rows["probability"].map("{:11.3f}".format)
    cells = [[str(name), *map(escape_name, rows[name])] for name in rows]
    widths = [len(max(column, key=len)) for column in cells]
    for row in zip(*cells, strict=True):
        yield "  ".join(map(str.ljust, row, widths)).rstrip() + "\n"


def csv_lines(tables: Iterable[pd.DataFrame]) -> Iterator[str]:
    for index, rows in enumerate(tables):
        # csv quotes values with a character of the line terminator: include "\r", which ends a line in many programs.
        text = str(rows.to_csv(index=False, header=index == 0, lineterminator="\r\0\n"))
        yield text.replace("\r\0\n", "\n")


def json_lines(tables: Iterable[pd.DataFrame]) -> Iterator[str]:
    """Write a list with an object a line; unlike pandas, escape all control characters, and no slashes."""
    separator = "[\n"
    for rows in tables:
        for values in rows.itertuples(index=False, name=None):
            line = json.dumps(dict(zip(rows.columns, values, strict=True)), ensure_ascii=False)
            yield separator + CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
            separator = ",\n"
    yield "\n]\n" if separator == ",\n" else "[\n\n]\n"


FORMATS = {"table": table_lines, "csv": csv_lines, "json": json_lines}


if __name__ == "__main__":
    run(main)
