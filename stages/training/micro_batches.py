"""Models that train on all cores and devices, with the same result on any number of cores."""

from itertools import pairwise
from typing import Any

import numpy as np

from stages.models.runtime import keras, layers, tf


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


class OnDevices(MicroBatched):
    """A model that trains on several devices (``device_strategy``), among which Keras divides each batch.

    All rows of a batch count alike, by the weights of ``pad_batch``. Keras would average over the rows of each device
    first, so that a row counted more where there are fewer.
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
            loss = self.optimizer.scale_loss(self.update_metrics(data, training=True))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))  # sums over devices
        self.average_moving_statistics()
        return dict(self.get_metrics_result())

    def average_moving_statistics(self) -> None:
        """Average the statistics of batch normalisation over the devices; Keras keeps each device's own."""
        replica = tf.distribute.get_replica_context()
        for layer in self._flatten_layers():
            if isinstance(layer, layers.BatchNormalization) and layer.trainable:
                for statistic in (layer.moving_mean, layer.moving_variance):
                    statistic.assign(replica.all_reduce(tf.distribute.ReduceOp.MEAN, statistic.value))

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        self.update_metrics(data, training=False)
        return dict(self.get_metrics_result())

    def update_metrics(self, data: tuple[tf.Tensor, ...], training: bool) -> tf.Tensor:
        """Update the metrics, and return the contribution of this device's rows to the batch's loss."""
        examples, labels, weights = data
        logits = self(examples, training=training)
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        if training and self.class_weights is not None:
            losses *= tf.gather(self.class_weights, labels)
        counts = tf.sign(weights)
        self.loss_metric.update_state(losses, sample_weight=counts)
        self.accuracy.update_state(labels, logits, sample_weight=counts)
        return tf.reduce_sum(weights * losses)
