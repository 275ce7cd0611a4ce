"""Use all GPUs of a machine for one model."""

from stages.common.backend import tf


def strategy() -> tf.distribute.Strategy:
    """Choose how a model trains: each batch shared out among the GPUs where there are several, else on what there is.

    Make the model within the ``scope()`` of what this returns. Sums over a batch are the same to rounding.
    """
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()
