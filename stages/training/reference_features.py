"""What a model's backbone sees in a sample of photos, small enough to keep beside the model."""

from functools import reduce

import numpy as np

from stages.datasets.dataset import StoredDataset
from stages.datasets.feature_extraction import BATCH_SIZE
from stages.models.runtime import keras
from stages.training.batches import as_float32

PHOTOS = 2_000  # of each split, at most: with 1,280 channels 5 MB


def sample_features(model: keras.Model, photos: StoredDataset, seed: int) -> np.ndarray:
    """Compute the features of up to ``PHOTOS`` photos, drawn at random, as the model's backbone ends.

    Args:
        model: one with a backbone, as ``build_model`` makes it.
        photos: of which the first version counts: photos, or a frozen backbone's features of them, which for training
            photos are features of a flipped and rotated view.

    Returns:
        float16, shaped (photos, channels): the mean over height and width.
    """
    names = [layer.name for layer in model.layers]
    first = 1 if photos.examples.dtype == np.uint8 else names.index("backbone") + 1  # the first layer is the input
    end = names.index("last_blocks" if "last_blocks" in names else "backbone") + 1
    chosen = np.sort(np.random.default_rng(seed).permutation(len(photos.labels))[:PHOTOS])
    pooled = []
    for start in range(0, len(chosen), BATCH_SIZE):
        examples = as_float32(photos.batch(0, chosen[start : start + BATCH_SIZE]))
        maps = reduce(lambda x, layer: layer(x, training=False), model.layers[first:end], examples)
        pooled.append(np.asarray(maps).astype(np.float32).mean(axis=(1, 2)).astype(np.float16))
    return np.concatenate(pooled)
