"""Train on all cores and devices, with a result that does not depend on their number."""

from itertools import pairwise
from typing import Any

import numpy as np

from stages.models.runtime import keras, tf


class MicroBatched(keras.Model):
    """A model that computes each batch in parts, which share its weights, side by side on as many cores.

    An operation of TensorFlow divides its sums among its threads, so that their rounding depends on the cores; here
    each has one thread. The parts of a batch are the same everywhere, and so is the order in which their gradients are
    added.

    Args:
        parts: how many. A batch of fewer examples has parts of one, some of which do not count.
        class_weights: what the examples of each class count in the training loss, shaped (classes,); none: 1.
    """

    def __init__(self, model: keras.Model, parts: int, class_weights: np.ndarray | None = None) -> None:
        super().__init__()
        self.model = model
        self.parts = parts
        self.class_weights = class_weights

    def call(self, examples: tf.Tensor, training: bool = False) -> tf.Tensor:
        size = tf.shape(examples)[0]
        bounds = pairwise(size * number // self.parts for number in range(self.parts + 1))
        logits = [
            # TensorFlow's convolutions fail on no example at all.
            self.model(examples[start : tf.maximum(end, start + 1)], training=training)[: end - start]
            for start, end in bounds
        ]
        return tf.concat(logits, axis=0)

    def compute_loss(self, x: Any, y: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any, training: bool) -> tf.Tensor:
        if training and self.class_weights is not None:
            sample_weight = tf.gather(self.class_weights, y)
        return super().compute_loss(x, y, y_pred, sample_weight, training)


class OnDevices(MicroBatched):
    """The same on several devices (``device_strategy``), among which Keras divides each batch.

    Keras would average over each device's rows and then over the devices, so that a row counted more where there are
    fewer. Here all rows count alike: by the weights of ``batches``, 0 for those added so that each device has as many.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [self.accuracy, self.loss_metric]

    def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = self.optimizer.scale_loss(self.measure(data, training=True))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))  # adds the devices' up
        return dict(self.get_metrics_result())

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        self.measure(data, training=False)
        return dict(self.get_metrics_result())

    def measure(self, data: tuple[tf.Tensor, ...], training: bool) -> tf.Tensor:
        """Update the metrics, and return what this device's rows add to the batch's loss."""
        examples, labels, weights = data
        logits = self(examples, training=training)
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        if training and self.class_weights is not None:
            losses *= tf.gather(self.class_weights, labels)
        counts = tf.sign(weights)
        self.loss_metric.update_state(losses, sample_weight=counts)
        self.accuracy.update_state(labels, logits, sample_weight=counts)
        return tf.reduce_sum(weights * losses)
