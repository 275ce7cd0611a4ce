"""Name the class of more photos than one machine holds, on a Ray cluster.

Reads the photos of a folder or bucket that every node reaches, and a model as `python -m stages.predict` does. Writes
Parquet files of `PART` photos each, with a row per photo: its path within the folder, its class, the probability of
that and of every class, or what is wrong with the file; and beside them the model. The same command again names what
is not named yet.

    RAY_ADDRESS=head:6379 python -m stages.predict_many s3://bucket/photos s3://bucket/named
"""

import argparse
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import ray
from fsspec.implementations.dirfs import DirFileSystem
from tqdm import tqdm

from stages.cluster.nodes import cause_of, connect, ray_resources, room_missing
from stages.cluster.parquet import ABOUT, MODEL, claim, named_so_far, open_folder, parts_of, write
from stages.common.params import Resources, load_params
from stages.common.program import UserError, first_line, run
from stages.inference.model import predict_probabilities
from stages.intake.archive import is_hidden
from stages.models.runtime import make_deterministic
from stages.photos.decode import pixels_or_reason
from stages.predict.formats import Prediction, columns, printable
from stages.predict.model_file import ModelFile, fetch_model_file

logger = logging.getLogger(__name__)

PART = 500  # photos
BATCH_SIZE = 32
READERS = 8  # threads of a task that decodes


def main() -> None:
    args = parse_arguments()
    needs = load_params().cluster
    photos, named = open_folder(args.photos), open_folder(args.output)
    if PurePosixPath(named.fs.unstrip_protocol(named.path)).is_relative_to(photos.fs.unstrip_protocol(photos.path)):
        raise UserError(
            f"expected OUTPUT outside of {args.photos}, whose files are to be named, received {args.output}"
        )
    paths = [path for path in sorted(photos.find("")) if not is_hidden(PurePosixPath(path))]
    if not paths:
        raise UserError(f"expected photos in {args.photos}, found none")
    saved = fetch_model_file(args.model, args.rev)
    claim(named, saved)
    done = set(named_so_far(named)["path"])
    left = [path for path in paths if printable(path) not in done]
    logger.info("%d photos, %d of them named before", len(paths), len(paths) - len(left))
    if left:
        connect()
        check_room(needs.resources_of(saved.name))
        predict_photos(photos, named, saved, left, ray_resources(needs.resources_of(saved.name)))
    report(paths, named_so_far(named), saved.name)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m stages.predict_many",
        description="Name the class of many photos on a Ray cluster; the same command again goes on.",
        epilog="Exit code 1 if any file could not be decoded; the others are named all the same.",
    )
    parser.add_argument("photos", metavar="FOLDER", help="a path or URL (s3, gs, ...) that every node reaches")
    parser.add_argument("output", metavar="OUTPUT", help="the same, for Parquet files")
    parser.add_argument("--model", help="one of data/models/ (default: the best on validation)")
    parser.add_argument(
        "--rev", metavar="GIT_REV", help="the model as of this commit, branch, tag or experiment, through DVC"
    )
    return parser.parse_args()


def check_room(needs: Resources) -> None:
    """Make sure that the cluster can hold a process with the model, and beside it one that decodes photos."""
    troubles = room_missing([needs])
    there = ray.cluster_resources().get("CPU", 0)
    if there < needs.cpus + 1:
        troubles.append(f"only {there:g} CPUs in all, where {needs.cpus} name photos and 1 decodes them")
    if troubles:
        raise UserError(f"expected nodes with room to name photos, received {'; '.join(troubles)}")


def predict_photos(
    photos: DirFileSystem, named: DirFileSystem, saved: ModelFile, paths: list[str], resources: dict[str, float]
) -> None:
    """Write a Parquet file for each part of the paths, numbered on from those that are there."""
    first = max((int(part[5:-8]) + 1 for part in parts_of(named)), default=0)
    parts = [
        {"number": number, "paths": paths[start : start + PART]}
        for number, start in enumerate(range(0, len(paths), PART), first)
    ]
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    done = (
        ray.data.from_items(parts, override_num_blocks=len(parts))
        .map(decode, fn_args=[photos, saved.load().image_size], num_cpus=1)
        .map(
            Predictor,
            fn_constructor_args=[named, int(resources["num_cpus"])],
            compute=ray.data.ActorPoolStrategy(min_size=1),
            **resources,
        )
    )
    with tqdm(total=len(paths), desc="predicting", unit="photo", disable=None) as bar:
        try:
            for part in done.iter_rows():
                bar.update(part["photos"])
        except ray.exceptions.RayError as error:
            raise UserError(
                f"expected to name {len(paths)} photos, {bar.n} are done: {cause_of(error)}: "
                "run the same command again to go on"
            ) from error


def decode(part: dict[str, Any], photos: DirFileSystem, image_size: tuple[int, int]) -> dict[str, Any]:
    """Decode a part's photos; one that cannot be decoded is black, and ``problems`` says why."""

    def load(path: str) -> np.ndarray | str:
        try:
            content = photos.cat_file(path)
        except (FileNotFoundError, IsADirectoryError) as error:  # as links lead to
            return f"cannot be read: {error.strerror or first_line(error)}"
        return pixels_or_reason(BytesIO(content), image_size)

    with ThreadPoolExecutor(READERS) as pool:
        loaded = list(pool.map(load, part["paths"]))
    black = np.zeros((*image_size, 3), np.uint8)
    return {
        **part,
        "pixels": np.stack([black if isinstance(photo, str) else photo for photo in loaded]),
        "problems": [photo if isinstance(photo, str) else "" for photo in loaded],
    }


class Predictor:
    """A process with the model, which names a part's photos and writes its file."""

    def __init__(self, named: DirFileSystem, threads: int) -> None:
        make_deterministic(seed=0, threads=threads)
        about = json.loads(named.cat_file(ABOUT))
        self.trained = ModelFile(about["model"], named.cat_file(MODEL), about["classes"], MODEL).load()
        self.named = named

    def __call__(self, part: dict[str, Any]) -> dict[str, int]:
        probabilities = predict_probabilities(self.trained.model, part["pixels"], BATCH_SIZE)
        rows = list(self.rows(part, probabilities))
        file = BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, self.schema()), file)
        write(self.named, f"part-{part['number']:06}.parquet", file.getvalue())
        return {"photos": len(rows)}

    def schema(self) -> pa.Schema:
        names = [*columns(self.trained.class_names), "problem"]
        return pa.schema([(name, pa.float64() if name.startswith("probability") else pa.string()) for name in names])

    def rows(self, part: dict[str, Any], probabilities: np.ndarray) -> Iterator[dict[str, str | float]]:
        names = columns(self.trained.class_names)
        for path, problem, of in zip(part["paths"], part["problems"], probabilities, strict=True):
            if problem:
                yield {"path": printable(path), "problem": problem}
            else:
                row = Prediction(PurePosixPath(path), of).row(self.trained.class_names)
                yield dict(zip(names, row, strict=True))


def report(paths: list[str], done: pd.DataFrame, model: str) -> None:
    """Hold what is in the output against the photos, and say which could not be named.

    Raises:
        UserError: A photo is not there, or twice, or could not be decoded.
    """
    here = done[done["path"].isin({printable(path) for path in paths})]
    if len(here) != len(paths) or here["path"].duplicated().any():
        raise UserError(f"expected each of {len(paths)} photos once in the output, found {len(here)} rows for them")
    bad = here.dropna(subset="problem")
    for path, problem in bad[["path", "problem"]].itertuples(index=False):
        logger.warning("%s: %s", path, problem)
    if len(bad):
        raise UserError(
            f"expected photos, received {len(bad)} of {len(paths)} files that cannot be decoded (listed above): "
            f"mend or remove them; {model} named the other {len(paths) - len(bad)}"
        )
    logger.info("%s named %d photos", model, len(paths))


if __name__ == "__main__":
    run(main)
