"""Classify more photos than one machine holds, on a Ray cluster.

Reads the photos of a folder or bucket that every node reaches, and a model as `python -m commands.predict` does. Writes
Parquet files of 500 photos each, with a row per photo: its path within the folder, its class, the probability of that
and of every class, and a note where `confidence` in ``params.yaml`` asks for it, or what is wrong with the file; and
beside them the model. Started again, the same command classifies what is still missing, and what was wrong and may be
fixed by now.

    RAY_ADDRESS=head:6379 python -m commands.cluster.batch_predict s3://bucket/photos s3://bucket/predictions
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import ray
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from tqdm import tqdm

from commands.cluster import nodes, parquet
from commands.predict import EPILOG, add_model_options, check_all_classified
from stages.common.cli import MachineError, UserError, check_output, command_parser, first_line, logger, printable, run
from stages.common.param_types import ImageFit
from stages.common.params import Resources, load_params
from stages.inference.model_file import fetch_model_file
from stages.models.runtime import make_deterministic
from stages.photos.decode import UnreadablePhotoError, read_photo, resized_pixels, unreadable_photos
from stages.photos.shards import packed_photos
from stages.storage.non_photos import check_readable, is_hidden

PHOTOS_PER_PART = 500
READERS = 8  # threads of a task that decodes
BLOCK = 8 * 2**20  # bytes per request to a bucket: most photos whole, of a film only the start

Part = dict[str, Any]  # the name of its file and the paths of its photos; then also their pixels and problems


def main() -> None:
    parser = command_parser(__doc__, EPILOG)
    parser.add_argument("photos", metavar="FOLDER", help="a path or URL (s3, gs, ...) that every node reaches")
    parser.add_argument("output", metavar="OUTPUT", help="the same, for Parquet files")
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
    missing = [path for path in paths if printable(path) not in done]
    logger.info("photos: %d, already classified: %d", len(paths), len(paths) - len(missing))
    if missing:
        nodes.connect()
        resources = params.cluster.resources_of(model.name)
        check_resources(resources)
        options = {"photos": photos, "image_size": model.load(params.confidence).image_size}
        options |= {"image_fit": model.image_fit, "max_megapixels": params.split.max_megapixels}
        predict_photos(missing, options, output, resources)
    report(paths, parquet.read_predictions(output), model.name)


def list_photos(photos: DirFileSystem) -> list[str]:
    """List the files in a folder or in its shards, but for hidden ones, by their paths within the folder."""
    packed: list[str] = []
    if isinstance(photos.fs, LocalFileSystem):
        check_readable(photos.path)
        packed = packed_photos(Path(photos.path))
    with parquet.explain_unreachable(photos):
        names = [PurePosixPath(path).relative_to(photos.path).as_posix() for path in packed] or photos.find("")
    # Of a FOLDER that is a file the only name is empty.
    return [path for path in sorted(names) if path and not is_hidden(path)]


def check_resources(resources: Resources) -> None:
    """Raise UserError unless the cluster can run a process with the model and one that decodes photos."""
    problems = nodes.missing_resources([resources])
    cpus = ray.cluster_resources().get("CPU", 0)
    if cpus < resources.cpus + 1:
        problems.append(f"only {cpus:g} CPUs in all, where {resources.cpus} classify photos and 1 decodes them")
    if problems:
        raise UserError(f"the cluster cannot classify photos: {'; '.join(problems)}")


def predict_photos(paths: list[str], decoding: dict[str, Any], output: DirFileSystem, resources: Resources) -> None:
    """Classify photos on the cluster, and write a Parquet file for each part of the paths.

    If a process fails, this raises a UserError for such an error, a MachineError for a reason of its machine, and a
    RuntimeError for any other one.
    """
    chunks = [paths[start : start + PHOTOS_PER_PART] for start in range(0, len(paths), PHOTOS_PER_PART)]
    parts = [{"name": parquet.part_name(index, chunk), "paths": chunk} for index, chunk in enumerate(chunks)]
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.raise_original_map_exception = True  # or only its text would be left
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what is an error ends in a line below
    decoded = ray.data.from_items(parts, override_num_blocks=len(parts)).map(decode, fn_kwargs=decoding, num_cpus=1)
    actors = ray.data.ActorPoolStrategy(min_size=1)
    needed = {"num_cpus": resources.cpus, "num_gpus": resources.gpus, "memory": resources.memory_gib * 2**30}
    classified = decoded.map(Predictor, fn_constructor_args=[output], compute=actors, **needed)
    with tqdm(total=len(paths), desc="predicting", unit="photo", disable=None) as bar:
        try:
            for part in classified.iter_rows():
                bar.update(part["photos"])
        except ray.exceptions.RayError as error:
            cause = nodes.cause_of(error)
            text = f"expected to classify all photos ({len(paths)}), classified {bar.n}: {first_line(cause)}"
            if isinstance(cause, UserError):
                raise UserError(text) from error
            if isinstance(cause, MachineError):
                raise MachineError(f"{text}: run the same command again to go on") from error
            raise RuntimeError(text) from error


@nodes.on_node
def decode(
    part: Part, photos: DirFileSystem, image_size: tuple[int, int], image_fit: ImageFit, max_megapixels: float
) -> Part:
    """Add a part's ``pixels``, uint8, shaped (photos, height, width, 3), and ``problems``, "" where there is none."""

    def load(path: str) -> tuple[np.ndarray, str]:
        try:
            return resized_pixels(content_of(path), image_size, image_fit, max_megapixels), ""
        except UnreadablePhotoError as error:
            return np.zeros((*image_size, 3), np.uint8), str(error)
        except Exception as error:  # a bucket's errors often do not say of which file they are
            error.add_note(path)
            raise

    def content_of(path: str) -> Path | bytes:
        if isinstance(photos.fs, LocalFileSystem):
            return Path(photos.path, path)
        with unreadable_photos(), photos.open(path, block_size=BLOCK) as file:
            return read_photo(file, getattr(file, "size", None) or 0, max_megapixels)

    with ThreadPoolExecutor(READERS) as pool:
        pixels, problems = zip(*pool.map(load, part["paths"]), strict=True)
    return {**part, "pixels": np.stack(pixels), "problems": list(problems)}


class Predictor:
    """A process with the model, which classifies a part's photos and writes its file."""

    @nodes.on_node
    def __init__(self, output: DirFileSystem) -> None:
        make_deterministic(seed=0)
        model, settings = parquet.read_claimed(output)
        self.trained, self.output = model.load(settings), output

    @nodes.on_node
    def __call__(self, part: Part) -> dict[str, int]:
        problems = pd.Series(part["problems"])
        table = self.trained.classify(part["pixels"])
        table.loc[problems != ""] = None
        table.insert(0, "path", list(map(printable, part["paths"])))
        table["problem"] = problems.where(problems != "")
        parquet.write_part(self.output, part["name"], table)
        return {"photos": len(table)}


def report(paths: list[str], predictions: pd.DataFrame, model: str) -> None:
    """Log the photos that could not be decoded; raise UserError if there are any, or one is missing or duplicated."""
    here = predictions[predictions["path"].isin({printable(path) for path in paths})]
    if len(here) != len(paths) or here["path"].duplicated().any():
        raise UserError(f"expected each of {len(paths)} photos once, found {len(here)} rows: {parquet.ANOTHER_RUN}")
    if len(here) < len(predictions):
        logger.info("rows of photos that no longer exist: %d", len(predictions) - len(here))
    bad = here.dropna(subset="problem")
    for path, problem in bad[["path", "problem"]].itertuples(index=False):
        logger.warning("%s: %s", path, problem)
    check_all_classified(model, len(paths), len(bad))


if __name__ == "__main__":
    run(main)
