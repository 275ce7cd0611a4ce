"""Features extracted by all nodes of a cluster, a range of the photos at a time.

DVC runs the step `features` on the caller's machine; as ``FEATURE_STORE`` names this module, the step calls ``store``
here. Photos and features travel through Ray, and need no remote.
"""

import math
from typing import Any

import numpy as np
import ray
from tqdm import tqdm

from commands.cluster.nodes import connect, result_of, slots_for, task_options
from stages.common.parallel import in_parallel
from stages.common.params import load_params
from stages.datasets.dataset import Dataset
from stages.datasets.feature_extraction import BATCH_SIZE, store_features
from stages.models.runtime import make_deterministic
from stages.storage.arrays import DiskArray, temporary_array

MAX_BYTES = 40 * 2**20  # of a task's photos: 546 at 160 px


def store(photos: Dataset, extractor: Any, array: DiskArray, description: str) -> list[str]:
    """Store features as ``store_features`` does, computed on the nodes in the same batches, and so the same bytes."""
    if not ray.is_initialized():
        connect()
    cluster = load_params().cluster
    task = extract.options(**task_options(cluster, cluster.retries))
    reference, count = ray.put(extractor), len(photos.labels)
    batches = MAX_BYTES // (BATCH_SIZE * math.prod(extractor.input_shape[1:]))
    size = BATCH_SIZE * max(1, batches)  # of a shard
    shards = [(view, start) for view in range(len(array) // count) for start in range(0, count, size)]

    def compute(shard: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
        view, start = shard
        pixels = photos.batch(view, np.arange(start, min(start + size, count)))  # augmented
        rows, lines = result_of(task.remote(reference, pixels, array.dtype.type))
        return rows, lines

    environment: dict[str, None] = {}  # with lines of several CPUs, if the nodes have several
    with tqdm(total=len(array), desc=description, unit="photo", disable=None) as progress:
        for (view, start), (rows, lines) in zip(shards, in_parallel(compute, shards, slots_for(cluster)), strict=True):
            array.write(view * count + start, rows)
            environment |= dict.fromkeys(lines)
            progress.update(len(rows))
    return list(environment)


@ray.remote
def extract(extractor: Any, pixels: np.ndarray, dtype: type) -> tuple[np.ndarray, list[str]]:
    """Return the features of photos, and the environment of this node.

    The extractor is a Keras model, which Ray would import as an annotation before our set-up of TensorFlow.
    """
    make_deterministic(seed=0)
    rows = temporary_array((len(pixels), *extractor.output_shape[1:]), dtype)
    photos = Dataset(pixels, np.zeros(len(pixels)))
    environment = store_features(photos, extractor, rows, "features")
    return rows[np.arange(len(rows))], environment
