"""Train on all cores, with a result that does not depend on their number."""

from itertools import pairwise

from stages.models.runtime import keras, tf


class InParts(keras.Model):
    """A model that computes each batch in parts, which share its weights, side by side on as many cores.

    An operation of TensorFlow divides its sums among its threads, so that their rounding depends on the cores; here
    each has one thread. The parts of a batch are the same everywhere, and so is the order in which their gradients are
    added.

    Args:
        parts: how many. A batch of fewer examples has parts of one, some of which do not count.
    """

    def __init__(self, model: keras.Model, parts: int) -> None:
        super().__init__()
        self.model = model
        self.parts = parts

    def call(self, examples: tf.Tensor, training: bool = False) -> tf.Tensor:
        size = tf.shape(examples)[0]
        bounds = pairwise(size * number // self.parts for number in range(self.parts + 1))
        logits = [
            # TensorFlow's convolutions fail on no example at all.
            self.model(examples[start : tf.maximum(end, start + 1)], training=training)[: end - start]
            for start, end in bounds
        ]
        return tf.concat(logits, axis=0)
