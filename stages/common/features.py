"""Train what stands on a frozen backbone on the backbone's features, so that it runs over each photo once."""

from collections.abc import Iterable
from functools import reduce

import numpy as np
from tqdm import tqdm

from stages.common.backbone import fold_batch_norm
from stages.common.backend import keras, layers, tf
from stages.common.dataset import Load
from stages.common.rows import Budget, Rows, make_rows


def split_at_backbone(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Split a model with a backbone in two that share its weights: from pixels to features, and on to logits."""
    backbone = model.get_layer("backbone")
    after = model.layers.index(backbone) + 1
    to_features = [*model.layers[1 : after - 1], fold_batch_norm(backbone)]
    to_logits = model.layers[after:]
    return chain(to_features, model.input_shape[1:]), chain(to_logits, backbone.output_shape[1:])


def chain(links: list[layers.Layer], shape: tuple[int, ...]) -> keras.Model:
    """Make a model of layers that exist, one after the other."""
    start = keras.Input(shape)
    return keras.Model(start, reduce(lambda x, layer: layer(x), links, start))


def compute_features(
    to_features: keras.Model, batches: Iterable[np.ndarray], count: int, budget: Budget, description: str
) -> Rows:
    """Run photos through the frozen layers, and keep what comes out.

    Args:
        batches: pixels, uint8 of 0..255 shaped (batch, height, width, 3), ``count`` in all.

    Returns:
        float32, shaped (count, *shape of a photo's features).
    """
    features = make_rows(count, to_features.output_shape[1:], np.float32, budget)
    forward = tf.function(lambda pixels: to_features(pixels, training=False), reduce_retracing=True)
    done = 0
    with tqdm(total=count, desc=description, unit="photo", disable=None) as progress:
        for pixels in batches:
            for row in tf.cast(forward(pixels), tf.float32).numpy():
                features[done] = row
                done += 1
            progress.update(len(pixels))
    return features


def taking_turns(features: Rows, views: int) -> Load:
    """Load the features of all photos' first version, then their second, and so on: a version an epoch, in turn."""
    count = len(features) // views
    return lambda epoch, chosen: features[epoch % views * count + chosen]
