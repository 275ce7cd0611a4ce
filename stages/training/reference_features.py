"""Pooled features of photos: those of a sample are a reference for out-of-distribution detection, beside a model."""

from functools import reduce

import numpy as np

from stages.datasets.dataset import StoredDataset
from stages.datasets.feature_extraction import BATCH_SIZE
from stages.models.build import backbone_end
from stages.models.runtime import keras
from stages.storage.feature_sets import reference_rows
from stages.training.batches import as_float32


def sample_features(model: keras.Model, dataset: StoredDataset, seed: int) -> np.ndarray:
    """Compute ``pooled_features`` of the photos at ``reference_rows``, in float16."""
    return pooled_features(model, dataset, reference_rows(len(dataset.labels), seed)).astype(np.float16)


def pooled_features(model: keras.Model, dataset: StoredDataset, indices: np.ndarray) -> np.ndarray:
    """Compute the pooled output of a model's whole backbone for the photos with these indices.

    Args:
        dataset: photos, or features extracted by the frozen part of the backbone, of which the first view counts.

    Returns:
        float32, shaped (photos, channels): means over height and width.
    """
    are_photos = dataset.examples.shape[1:] == model.input_shape[1:]
    start = 1 if are_photos else [layer.name for layer in model.layers].index("backbone") + 1  # layer 0 is the input
    chain = model.layers[start : backbone_end(model)]
    pooled = []
    for first in range(0, len(indices), BATCH_SIZE):
        examples = as_float32(dataset.batch(0, indices[first : first + BATCH_SIZE]))
        maps = reduce(lambda x, layer: layer(x, training=False), chain, examples)
        spatial = tuple(range(1, len(maps.shape) - 1))  # none, if they are pooled
        pooled.append(np.asarray(maps).astype(np.float32).mean(axis=spatial))
    return np.concatenate(pooled)
