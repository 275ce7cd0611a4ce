"""Feature extraction with a frozen backbone."""

import numpy as np
from tqdm import tqdm

from stages.common.parallel import in_parallel
from stages.datasets.dataset import Dataset, sequential_batches
from stages.models.pretrained import connect, fold_batch_norm
from stages.models.runtime import describe_environment, keras, layers, tf
from stages.storage.arrays import DiskArray

BATCH_SIZE = 8  # no slower than larger ones, and memory holds a batch per core


def feature_extractor(preprocessing: keras.Model, backbone: keras.Model, *, pooled: bool = False) -> keras.Model:
    """Connect a backbone to its preprocessing, its batch normalisation folded, with or without average pooling."""
    pooling = [layers.GlobalAveragePooling2D(dtype="float32")] if pooled else []
    return connect([preprocessing, fold_batch_norm(backbone), *pooling], preprocessing.input_shape[1:])


def store_features(photos: Dataset, extractor: keras.Model, array: DiskArray, description: str) -> list[str]:
    """Write features to an array, epoch after epoch, until it is full; return the environment that computed them.

    They are shaped (photos, height, width, channels), or (photos, channels) if the ``feature_extractor`` pools them.
    Raises an OverflowError, its message the largest value, if a feature is NaN or exceeds the array's dtype
    (docs/decisions/float16_features.md).
    """
    signature = [tf.TensorSpec((None, *extractor.input_shape[1:]), tf.uint8)]
    forward = tf.function(lambda pixels: extractor(pixels, training=False), input_signature=signature)

    def extract(batch: tuple[int, np.ndarray]) -> np.ndarray:
        return np.asarray(tf.cast(forward(photos.batch(*batch)), tf.float32))

    count, done = len(photos.labels), 0
    batches = sequential_batches(count, BATCH_SIZE, epochs=len(array) // count)
    with tqdm(total=len(array), desc=description, unit="photo", disable=None) as progress:
        for features in in_parallel(extract, batches):
            with np.errstate(over="ignore"):
                rows = features.astype(array.dtype)
            if not np.isfinite(rows).all():
                raise OverflowError(f"{np.abs(features).max():g}")
            array.write(done, rows)
            done += len(rows)
            progress.update(len(rows))
    return describe_environment()
