"""Classify more photos than one machine holds, on a Ray cluster.

Reads the photos of a folder or bucket that every node reaches, and a model as `python -m commands.predict` does. Writes
Parquet files of 500 photos each, with a row per photo: its path within the folder, its class, the probability of that
and of every class, a note if `confidence` in ``params.yaml`` has a threshold, and why a file could not be decoded.
Started again, the same command classifies the photos that are missing, and tries again those that failed.

    RAY_ADDRESS=head:6379 python -m commands.cluster.batch_predict s3://bucket/photos s3://bucket/predictions
"""

from pathlib import Path, PurePosixPath

import pandas as pd
import ray
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from tqdm import tqdm

from commands.cluster import parquet
from commands.cluster.classification import Job, classify_part
from commands.cluster.nodes import check_resources, connect, result_of, slots_for, task_options
from commands.predict import EPILOG, add_model_options, report_problems
from stages.common.cli import MachineError, UserError, check_output, command_parser, escape_bytes, logger, run
from stages.common.parallel import in_parallel
from stages.common.params import Resources, load_params
from stages.inference.model_file import fetch_model_file
from stages.photos.shards import packed_photos
from stages.storage.non_photos import is_hidden, unreadable_folders

PHOTOS_PER_PART = 500


def main() -> None:
    parser = command_parser(__doc__, EPILOG)
    parser.add_argument("photos", metavar="FOLDER", help="path or URL (s3, gs, ...) that every node reaches")
    parser.add_argument("output", metavar="OUTPUT", help="another such folder, for the Parquet files")
    add_model_options(parser)
    args = parser.parse_args()

    photos, output = parquet.open_folder(args.photos), parquet.open_folder(args.output)
    params = load_params()
    if PurePosixPath(output.fs.unstrip_protocol(output.path)).is_relative_to(photos.fs.unstrip_protocol(photos.path)):
        raise UserError(f"expected OUTPUT outside of {args.photos}, where the photos are, received {args.output}")
    if isinstance(output.fs, LocalFileSystem):
        check_output(Path(output.path), "OUTPUT")
    paths = list_photos(photos)
    if not paths:
        raise UserError(f"expected a folder with photos, found none in {args.photos}")
    model = fetch_model_file(args.model, args.rev)
    with parquet.explain_unreachable(output):
        parquet.claim(output, model, params.confidence)
        done = parquet.drop_problems(output)
    missing = [path for path in paths if escape_bytes(path) not in done]
    logger.info("photos: %d, already classified: %d", len(paths), len(paths) - len(missing))
    if missing:
        connect()
        resources = params.cluster.resources_of(model.name)
        check_resources([resources])
        job = Job(model, params.confidence, params.split.max_megapixels, photos, output)
        predict_photos(missing, job, resources, params.cluster.retries)
    report(paths, parquet.read_predictions(output), model.name)


def list_photos(photos: DirFileSystem) -> list[str]:
    """List the files in a folder or in its shards, but for hidden ones, by their paths within the folder."""
    packed: list[str] = []
    if isinstance(photos.fs, LocalFileSystem):
        for error in unreadable_folders(photos.path):
            raise error
        packed = packed_photos(Path(photos.path))
    with parquet.explain_unreachable(photos):
        names = [PurePosixPath(path).relative_to(photos.path).as_posix() for path in packed] or photos.find("")
    # Of a FOLDER that is a file the only name is empty.
    return [path for path in sorted(names) if path and not is_hidden(path)]


def predict_photos(paths: list[str], job: Job, resources: Resources, retries: int) -> None:
    """Classify photos on the cluster, and write a Parquet file for each part of the paths; raise what a part does."""
    task, shared = classify_part.options(**task_options(resources, retries)), ray.put(job)

    def classify(start: int) -> int:
        part = paths[start : start + PHOTOS_PER_PART]
        try:
            return int(result_of(task.remote([shared], start // PHOTOS_PER_PART, part)))
        except MachineError as error:  # of a process that was killed, Ray does not know the photo
            where = f"photos {escape_bytes(part[0])} to {escape_bytes(part[-1])}"
            raise MachineError(f"{error} ({where}): run the same command again to go on") from error

    with tqdm(total=len(paths), desc="predicting", unit="photo", disable=None) as bar:
        for photos in in_parallel(classify, range(0, len(paths), PHOTOS_PER_PART), slots_for(resources)):
            bar.update(photos)


def report(paths: list[str], predictions: pd.DataFrame, model: str) -> None:
    """Log the photos that could not be decoded; raise UserError if there are any, or one is missing or duplicated."""
    here = predictions[predictions["path"].isin({escape_bytes(path) for path in paths})]
    if len(here) != len(paths) or here["path"].duplicated().any():
        advice = "if another run writes there, let it end, and run the same command again"
        raise UserError(f"expected each of {len(paths)} photos once, found {len(here)} rows: {advice}")
    if len(here) < len(predictions):
        logger.info("rows of photos that no longer exist: %d", len(predictions) - len(here))
    bad = here.dropna(subset="problem")
    problems = dict(zip(map(Path, bad["path"]), bad["problem"], strict=True))
    report_problems(model, len(paths), problems, map(Path, here["path"]))


if __name__ == "__main__":
    run(main)
