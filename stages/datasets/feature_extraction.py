"""Photos as a frozen backbone sees them."""

from collections.abc import Iterable
from functools import reduce

import numpy as np
from tqdm import tqdm

from stages.datasets.dataset import Dataset, sequential_batches
from stages.models.pretrained import fold_batch_norm
from stages.models.runtime import keras, layers, tf
from stages.storage.arrays import DiskArray

BATCH_SIZE = 8  # no slower than larger ones, and as many as there are cores are in memory


def connect(chain: Iterable[layers.Layer], shape: tuple[int, ...]) -> keras.Model:
    """Make a model of existing layers, each taking the output of the one before."""
    start = keras.Input(shape)
    return keras.Model(start, reduce(lambda x, layer: layer(x), chain, start))


def feature_extractor(preprocessing: keras.Model, backbone: keras.Model) -> keras.Model:
    """Connect a backbone to its preprocessing, with its batch normalisation folded where it can be."""
    return connect([preprocessing, fold_batch_norm(backbone)], preprocessing.input_shape[1:])


class FeatureDataset:
    """A dataset of photos as a frozen backbone sees them, computed anew for each batch.

    Args:
        extractor: as :func:`feature_extractor` makes it.
    """

    def __init__(self, photos: Dataset, extractor: keras.Model) -> None:
        self.photos = photos
        self.labels = photos.labels
        pixels = tf.TensorSpec((None, *extractor.input_shape[1:]), tf.uint8)
        self.forward = tf.function(lambda photos: extractor(photos, training=False), input_signature=[pixels])

    def batch(self, epoch: int, numbers: np.ndarray) -> np.ndarray:
        """Compute features, float32, shaped (len(numbers), *shape)."""
        return np.asarray(tf.cast(self.forward(self.photos.batch(epoch, numbers)), tf.float32))


def store_features(features: FeatureDataset, array: DiskArray, description: str) -> None:
    """Compute the features of as many epochs as the array has room for, and write them one after another.

    Raises:
        OverflowError: A feature is too large for the array's dtype, or no number; the message is the largest.
    """
    done = 0
    with tqdm(total=len(array), desc=description, unit="photo", disable=None) as progress:
        for batch in sequential_batches(features, BATCH_SIZE, len(array) // len(features.labels)):
            with np.errstate(over="ignore"):
                rows = batch.astype(array.dtype)
            if not np.isfinite(rows).all():
                raise OverflowError(f"{np.abs(batch).max():g}")
            array.write(done, rows)
            done += len(rows)
            progress.update(len(rows))
