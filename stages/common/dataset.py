"""Photos in memory as the batches that a model trains on."""

import numpy as np
import tensorflow as tf


def training_batches(
    pixels: np.ndarray, labels: np.ndarray, batch_size: int, seed: int, first_epoch: int = 0
) -> tf.data.Dataset:
    """Give out the photos epoch after epoch, without end, each epoch in a new order.

    The order of an epoch depends on ``seed`` and the epoch's number alone, so that training can go on from
    any epoch as if it had never stopped. It is shuffled over the whole list.

    Args:
        pixels: uint8 in 0..255, shaped (photos, height, width, 3).
        labels: int64, shaped (photos,).
        first_epoch: number of the epoch to start with, from 0.

    Returns:
        Pairs of pixels, shaped (batch, height, width, 3), and labels, shaped (batch,). An epoch's last batch
        holds what is left over.
    """

    def order_of(epoch: tf.Tensor) -> tf.data.Dataset:
        photos = tf.range(len(pixels), dtype=tf.int64)
        order = tf.random.experimental.stateless_shuffle(photos, tf.stack([tf.cast(seed, tf.int64), epoch]))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    def load(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch = tf.numpy_function(lambda chosen: pixels[chosen], [indices], tf.uint8)
        return tf.ensure_shape(batch, (None, *pixels.shape[1:])), tf.gather(labels, indices)

    epochs = tf.data.Dataset.counter(first_epoch)
    return epochs.flat_map(order_of).map(load).prefetch(1)
