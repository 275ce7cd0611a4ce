"""A part of the photos of a batch prediction, read, decoded and classified on a node."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import ray
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from commands.cluster.nodes import on_node
from commands.cluster.parquet import write_part
from stages.common.cli import escape_bytes
from stages.common.parallel import in_parallel
from stages.common.params import ConfidenceSettings
from stages.inference.model_file import ModelFile, TrainedModel
from stages.models.runtime import make_deterministic
from stages.photos.decode import UnreadablePhotoError, read_photo, resized_pixels, unreadable_photos
from stages.storage.files import content_hash

READERS = 8  # threads of a task that decode
BLOCK = 8 * 2**20  # bytes per request to a bucket: most photos whole, of a film only the start


class Job(NamedTuple):
    """What the parts of a batch prediction have in common; folders are open as fsspec's ``DirFileSystem``."""

    model: ModelFile
    settings: ConfidenceSettings
    max_megapixels: float
    photos: DirFileSystem
    output: DirFileSystem


@ray.remote
@on_node
def classify_part(reference: Sequence[ray.ObjectRef], index: int, paths: list[str]) -> int:
    """Classify photos, write a row for each, and return their number.

    The reference to the job is in a list, or Ray would replace it by the job itself, copied for each part.
    """
    job, trained = load_job(*reference)
    pixels, reasons = decode(paths, job.photos, trained, job.max_megapixels)
    problems = pd.Series(reasons)
    table = trained.classify(pixels)
    table.loc[problems != ""] = None
    table.insert(0, "path", list(map(escape_bytes, paths)))
    table["problem"] = problems.where(problems != "")
    # No part replaces one of other photos: after the index a hash of the paths.
    write_part(job.output, f"part-{index:06}-{content_hash([repr(paths)])[:12]}.parquet", table)
    return len(table)


@lru_cache(maxsize=1)
def load_job(reference: ray.ObjectRef) -> tuple[Job, TrainedModel]:
    """Load the model, once in each process."""
    make_deterministic(seed=0)
    job: Job = ray.get(reference)
    return job, job.model.load(job.settings)


def decode(
    paths: Sequence[str], photos: DirFileSystem, trained: TrainedModel, max_megapixels: float
) -> tuple[np.ndarray, list[str]]:
    """Return pixels, uint8, shaped (photos, height, width, 3), and what is wrong with each photo ("": nothing)."""

    def load(path: str) -> tuple[np.ndarray, str]:
        try:
            return resized_pixels(content_of(path), trained.image_size, trained.image_fit, max_megapixels), ""
        except UnreadablePhotoError as error:
            return np.zeros((*trained.image_size, 3), np.uint8), str(error)
        except Exception as error:  # a bucket's errors often do not say of which file they are
            error.add_note(path)
            raise

    def content_of(path: str) -> Path | bytes:
        if isinstance(photos.fs, LocalFileSystem):
            return Path(photos.path, path)
        with unreadable_photos(), photos.open(path, block_size=BLOCK) as file:
            return read_photo(file, getattr(file, "size", None) or 0, max_megapixels)

    pixels, problems = zip(*in_parallel(load, paths, READERS), strict=True)
    return np.stack(pixels), list(problems)
