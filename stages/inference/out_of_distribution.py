"""How far a photo is from the nearest training photo, by what the backbone sees (Sun et al., 2022).

"Out-of-distribution detection with deep nearest neighbors". Features are normalised, as there; the distance is 1 minus
the cosine, which sorts as the Euclidean one does.
"""

from functools import reduce

import numpy as np

from stages.models.build import backbone_end
from stages.models.runtime import keras, layers


def with_features(model: keras.Model) -> keras.Model:
    """Let a model also give its backbone's features: logits and then features, shaped (batch, classes + channels).

    Args:
        model: one with a backbone, a chain of layers as ``build_model`` makes it.

    Returns:
        A model that shares the layers of the given one.
    """
    end = backbone_end(model)
    pixels = keras.Input(model.input_shape[1:])
    maps = reduce(lambda x, layer: layer(x), model.layers[1:end], pixels)
    logits = reduce(lambda x, layer: layer(x), model.layers[end:], maps)
    features = layers.GlobalAveragePooling2D(dtype="float32")(maps)
    return keras.Model(pixels, layers.Concatenate(dtype="float32")([logits, features]))


def distance_to_nearest(features: np.ndarray, training_features: np.ndarray) -> np.ndarray:
    """Compute the distance to the nearest training photo, float32 in 0..2, shaped (photos,).

    Args:
        features: shaped (photos, channels).
        training_features: normalised, shaped (training photos, channels).
    """
    return np.asarray(1 - (normalize(features) @ training_features.T).max(axis=1))


def normalize(features: np.ndarray) -> np.ndarray:
    """Scale each row to length 1, as float32; a row of zeros stays one."""
    rows = features.astype(np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny))
