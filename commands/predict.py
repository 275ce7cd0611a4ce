"""Classify new photos with the best model or another one, as it is now or was in any git revision.

Reads photos, ``data/models/MODEL.keras``, ``.json`` and ``.npz``, and without ``--model`` ``metrics/best.json``; with
``--rev`` those of that revision, through DVC. Writes the class and the probabilities of each photo, and a note where
``confidence`` in ``params.yaml`` asks for it, to stdout or to a file, and nothing into the project's data.

    python -m commands.predict photo.jpg folder/    # see --help for its options
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from commands.prediction_formats import FORMATS, Row, row_values
from stages.common.cli import UserError, command_parser, explain_unwritable, run, shown
from stages.common.params import load_params
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.inference.predictor import list_photos, predict
from stages.photos.decode import UnreadablePhotoError
from stages.storage.files import atomic_write

logger = logging.getLogger(__name__)


def main() -> None:
    args = parse_arguments()
    lines = FORMATS[choose_format(args.format, args.output)]
    paths = list_photos(args.photos)
    if args.output and args.output.exists():
        check_is_no_photo(args.output, paths)
    params = load_params()
    trained = fetch_model_file(args.model, args.rev).load(params.confidence)
    rows = Rows(trained, paths, params.split.max_megapixels)
    with open_output(args.output) as file, logging_redirect_tqdm():
        for line in lines(trained.class_names, paths, rows, trained.confidence.gives_notes):
            with tqdm.external_write_mode(file):
                file.write(line)
    if rows.failed:
        raise UserError(
            f"{rows.failed} of {len(paths)} files cannot be decoded (listed above): "
            f"fix or remove them; {trained.name} classified the other {len(paths) - rows.failed}"
        )
    logger.info("%s classified %d photos", trained.name, len(paths))


def parse_arguments() -> argparse.Namespace:
    parser = command_parser(
        "Classify new photos with a trained model.",
        "If a file cannot be decoded, the others are classified all the same, and the exit code is 1.",
    )
    parser.add_argument(
        "photos", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER", help="of a folder, all files that are not hidden"
    )
    parser.add_argument("--model", help="a model in data/models/ (default: the best on the validation photos)")
    parser.add_argument(
        "--rev", metavar="GIT_REV", help="use the model of this commit, branch, tag or experiment, through DVC"
    )
    parser.add_argument("--format", choices=FORMATS, help="default: by FILE's suffix (csv, json, txt), else table")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: stdout")
    return parser.parse_args()


def choose_format(name: str | None, output: Path | None) -> str:
    """Choose the format that was asked for, or else the one that the output's suffix stands for."""
    if output and output.exists() and not output.is_file():
        raise UserError(
            f"--output: expected the name of a file, received {shown(output)}, which is a folder or a device"
        )
    suffix = output.suffix[1:].lower() if output else ""
    if output and not name and suffix not in (*FORMATS, "txt", ""):
        raise UserError(f"--output: expected a name in .csv, .json or .txt, or --format, received {shown(output)}")
    return name or (suffix if suffix in FORMATS else "table")


def check_is_no_photo(output: Path, paths: Sequence[Path]) -> None:
    if any(path.name == output.name and path.exists() and path.samefile(output) for path in paths):
        raise UserError(f"--output: expected another file than the photos, received {output}, which is one of them")


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Open the output file, which appears under its name once it is whole, or stdout."""
    if path:
        with (
            explain_unwritable(path, "--output"),
            atomic_write(path) as unfinished,
            unfinished.open("w", encoding="utf-8", newline="") as file,
        ):
            yield file
        return
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


class Rows:
    """The rows of all photos that can be decoded, classified while one iterates; the others are logged and counted."""

    def __init__(self, trained: TrainedModel, paths: Sequence[Path], max_megapixels: float) -> None:
        self.trained = trained
        self.paths = paths
        self.max_megapixels = max_megapixels
        self.failed = 0

    def __iter__(self) -> Iterator[Row]:
        results = predict(self.trained, self.paths, self.max_megapixels)
        for path, result in tqdm(results, "predicting", len(self.paths), unit="photo", disable=None):
            if isinstance(result, UnreadablePhotoError):
                logger.warning("%s: %s", shown(path), result)
                self.failed += 1
            else:
                yield row_values(path, result, self.trained.class_names)


if __name__ == "__main__":
    run(main)
