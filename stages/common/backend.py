"""Load TensorFlow and Keras, without their greetings, and make them repeat themselves.

Every other module takes them from here: `from stages.common.backend import keras, tf`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

# What TensorFlow says of a machine with no GPU and a processor it likes, below the level of its own log settings.
GREETINGS = (
    "All log messages before absl::InitializeLog() is called are written to STDERR",
    "oneDNN custom operations are on.",
    "Could not find cuda drivers on your machine, GPU will not be used.",
    "failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)",  # no driver's library
)


@contextmanager
def without_greetings() -> Iterator[None]:
    """Hold back what native code writes to stderr meanwhile, and then pass on all of it but the greetings."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not any(greeting in line for greeting in GREETINGS):
                    sys.stderr.write(f"{line}\n")


with without_greetings():
    import keras
    import tensorflow as tf
    from keras import layers

    tf.config.list_physical_devices()  # looks for GPUs, and says so

__all__ = ["keras", "layers", "make_deterministic", "tf"]


def make_deterministic(seed: int, threads: int) -> None:
    """Make this process's random numbers and TensorFlow's operations repeat exactly; call it before building.

    An operation shares its sums out among its threads, and so rounds by their number: it gets a fixed one. How
    many operations run at the same time makes no difference.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    keras.utils.clear_session()  # layers' names count from one again
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
