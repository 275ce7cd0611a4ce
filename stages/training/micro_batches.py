"""A model that trains on all cores, with the same result on any number of them."""

from itertools import pairwise
from typing import Any

import numpy as np

from stages.models.runtime import keras, tf


class MicroBatched(keras.Model):
    """A model that computes each batch in micro-batches, in parallel (docs/decisions/one_thread.md).

    They are the same on any number of cores, and so is the order in which their gradients are added. With fewer
    examples than micro-batches, some compute one that does not count.
    """

    def __init__(self, model: keras.Model, micro_batches: int, class_weights: np.ndarray | None = None) -> None:
        super().__init__()
        self.model, self.micro_batches, self.class_weights = model, micro_batches, class_weights

    def call(self, examples: tf.Tensor, training: bool = False) -> tf.Tensor:
        size = tf.shape(examples)[0]
        bounds = pairwise(size * index // self.micro_batches for index in range(self.micro_batches + 1))
        logits = [
            # TensorFlow's convolutions fail on empty batches.
            self.model(examples[start : tf.maximum(end, start + 1)], training=training)[: end - start]
            for start, end in bounds
        ]
        return tf.concat(logits, axis=0)

    def compute_loss(self, x: Any, y: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any, training: bool) -> tf.Tensor:
        if training and self.class_weights is not None:
            sample_weight = tf.gather(self.class_weights, y)
        return super().compute_loss(x, y, y_pred, sample_weight, training)
