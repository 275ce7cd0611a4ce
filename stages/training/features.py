"""Train what stands on a frozen backbone on the backbone's features, so that it runs over each photo once."""

from functools import reduce

import numpy as np
from tqdm import tqdm

from stages.models.backbone import fold_batch_norm
from stages.models.runtime import keras, layers, tf
from stages.photos.arrays import MemoryBudget, allocate_array
from stages.training.datasets import Dataset, StoredDataset, sequential_batches


def split_at_backbone(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Split a model with a backbone in two that share its weights: from pixels to features, and on to logits."""
    backbone = model.get_layer("backbone")
    after = model.layers.index(backbone) + 1
    to_features = [*model.layers[1 : after - 1], fold_batch_norm(backbone)]
    to_logits = model.layers[after:]
    return connect(to_features, model.input_shape[1:]), connect(to_logits, backbone.output_shape[1:])


def connect(chain: list[layers.Layer], shape: tuple[int, ...]) -> keras.Model:
    """Make a model of existing layers, each taking the output of the one before."""
    start = keras.Input(shape)
    return keras.Model(start, reduce(lambda x, layer: layer(x), chain, start))


class FeatureDataset:
    """A dataset of photos as a frozen backbone sees them, computed anew for each batch."""

    def __init__(self, photos: Dataset, backbone: keras.Model) -> None:
        self.photos = photos
        self.labels = photos.labels
        self.shape = backbone.output_shape[1:]
        self.forward = tf.function(lambda pixels: backbone(pixels, training=False), reduce_retracing=True)

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        """Compute features, float32, shaped (len(indices), *shape)."""
        return np.asarray(tf.cast(self.forward(self.photos.batch(epoch, indices)), tf.float32))


def store_features(
    features: FeatureDataset, views: int, batch_size: int, budget: MemoryBudget, description: str
) -> StoredDataset:
    """Compute the features of the first ``views`` epochs once; the epochs of a training then take them in turn."""
    count = views * len(features.labels)
    stored = allocate_array(count, features.shape, np.float32, budget)
    done = 0
    with tqdm(total=count, desc=description, unit="photo", disable=None) as progress:
        for batch in sequential_batches(features, batch_size, views):
            for row in batch:
                stored[done] = row
                done += 1
            progress.update(len(batch))
    return StoredDataset(stored, features.labels)
