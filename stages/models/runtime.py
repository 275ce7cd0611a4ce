"""Load TensorFlow and Keras, quietly, and make them repeat themselves.

Every other module takes them from here: `from stages.models.runtime import keras, tf`. Why it looks as it does:
docs/decisions/start_up.md.
"""

import ctypes
import faulthandler
import gc
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from stages.photos.parallel import available_cores

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings and above

# What TensorFlow 2.21 logs at every start on a machine without a GPU, whatever its log level (tensorflow issue 100442).
START_UP_MESSAGES = (
    "All log messages before absl::InitializeLog() is called are written to STDERR",
    "oneDNN custom operations are on.",
    "Could not find cuda drivers on your machine, GPU will not be used.",
    "failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)",  # no driver installed
)

# Keras imports them where they are installed, for what nothing here uses: 1.4 of the 4.7 CPU seconds of a start.
UNUSED_BY_KERAS = ("matplotlib", "sklearn")


@contextmanager
def imports_refused(names: Iterable[str]) -> Iterator[None]:
    """Let importing these packages fail, as if they were not installed, unless they have been imported before."""
    refused = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(refused))  # type: ignore[arg-type]  # None is what makes an import fail
    try:
        yield
    finally:
        for name in refused:
            del sys.modules[name]


@contextmanager
def garbage_collection_postponed() -> Iterator[None]:
    """Collect no garbage meanwhile, and never look for any among what exists at the end.

    Hundreds of thousands of objects that an import leaves behind stay as long as the process; looking through them
    again and again is a quarter of the CPU seconds of a start.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextmanager
def start_up_messages_filtered() -> Iterator[None]:
    """Hold back what is written to stderr, natively or not, and pass it on at the end without start-up messages.

    A crash in native code never gets to that end. It is seen all the same: ``faulthandler`` writes the signal and
    Python's stack to the real stderr, and the process ends with the signal's exit code.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    watched = faulthandler.is_enabled()  # as it is under pytest
    if not watched:
        faulthandler.enable(stderr)
    with TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            if not watched:
                faulthandler.disable()
            os.close(stderr)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not any(message in line for message in START_UP_MESSAGES):
                    sys.stderr.write(f"{line}\n")


with start_up_messages_filtered(), imports_refused(UNUSED_BY_KERAS), garbage_collection_postponed():
    import keras
    import tensorflow as tf
    from keras import layers

    for gpu in tf.config.list_physical_devices("GPU"):  # looks for them, and logs it
        tf.config.experimental.set_memory_growth(gpu, True)  # or the first of two trainings side by side takes it all

# An operation divides its sums among its threads, so its rounding depends on their number: it gets one. How many
# operations run at the same time makes no difference.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(available_cores())

# On a GPU, float32 is to mean float32: TensorFloat-32 keeps ten bits of a mantissa.
tf.config.experimental.enable_tensor_float_32_execution(False)

# TensorFlow takes and frees tens of megabytes in every step. By default glibc gives them back to the system at once,
# and each step faults every page in anew: a third of the CPU time of a training on features.
M_TOP_PAD, M_MMAP_THRESHOLD = -2, -3
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # where it is glibc
    mallopt(M_MMAP_THRESHOLD, 2**30)
    mallopt(M_TOP_PAD, 64 * 2**20)

__all__ = ["device_count", "device_strategy", "keras", "layers", "make_deterministic", "tf"]


def make_deterministic(seed: int) -> None:
    """Make this process's random numbers and TensorFlow's operations repeat exactly; call it before building."""
    keras.utils.clear_session()  # layers' names count from one again
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def device_strategy() -> tf.distribute.Strategy:
    """Choose where a model trains: on all GPUs, each with a part of every batch, or else on what there is.

    Build the model within the strategy's ``scope()``, and train it in ``InParts``, which divides each batch.
    """
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def device_count() -> int:
    """Count the devices of the strategy in whose scope this is called."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)
