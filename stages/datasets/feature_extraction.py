"""Feature extraction with a frozen backbone."""

import numpy as np
from tqdm import tqdm

from stages.datasets.dataset import Dataset, sequential_batches
from stages.models.pretrained import connect, fold_batch_norm
from stages.models.runtime import describe_environment, keras, layers, tf
from stages.storage.arrays import DiskArray

BATCH_SIZE = 8  # no slower than larger ones, and memory holds a batch per core


def feature_extractor(preprocessing: keras.Model, backbone: keras.Model, *, pooled: bool = False) -> keras.Model:
    """Connect a backbone to its preprocessing, its batch normalisation folded, with or without average pooling."""
    pooling = [layers.GlobalAveragePooling2D(dtype="float32")] if pooled else []
    return connect([preprocessing, fold_batch_norm(backbone), *pooling], preprocessing.input_shape[1:])


class FeatureDataset:
    """Features of a dataset of photos, extracted anew for each batch by a ``feature_extractor``."""

    def __init__(self, photos: Dataset, extractor: keras.Model) -> None:
        self.photos, self.extractor = photos, extractor
        self.labels = photos.labels
        pixels = tf.TensorSpec((None, *extractor.input_shape[1:]), tf.uint8)
        self.forward = tf.function(lambda photos: extractor(photos, training=False), input_signature=[pixels])

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        """Extract features, float32, shaped (len(indices), height, width, channels)."""
        return np.asarray(tf.cast(self.forward(self.photos.batch(epoch, indices)), tf.float32))


def store_features(features: FeatureDataset, array: DiskArray, description: str) -> list[str]:
    """Write features to an array, epoch after epoch, until it is full; return the environment that computed them.

    Raises an OverflowError, its message the largest value, if a feature is NaN or exceeds the array's dtype
    (docs/decisions/float16_features.md).
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
    return describe_environment()
