"""TensorFlow and Keras with a quiet start-up and deterministic operations (docs/decisions/start_up.md).

Every other module imports them from here: ``from stages.models.runtime import keras, tf``.
"""

import ctypes
import faulthandler
import gc
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

import numpy as np

from stages.common.machine import instruction_sets, versions_and_cpu
from stages.common.parallel import available_cores

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["KERAS_HOME"] = os.devnull  # not ~/.keras, whose keras.json may set another precision or order of axes
os.environ.pop("TF_XLA_FLAGS", None)  # which may have operations compiled, which round differently
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings and above

# What TensorFlow 2.21 logs at every start on a machine without a GPU, whatever its log level (tensorflow issue 100442),
# and at the first float16, which features are stored in.
START_UP_MESSAGES = (
    "All log messages before absl::InitializeLog() is called are written to STDERR",
    "oneDNN custom operations are on.",
    "Could not find cuda drivers on your machine, GPU will not be used.",
    "failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)",  # no driver installed
    "oneDNN supports DT_HALF only on platforms with AVX-512.",
)

# Keras imports them if they are installed, for utilities that nothing here uses: 1.4 of the 4.7 CPU s of a start.
UNUSED_BY_KERAS = ("matplotlib", "sklearn")


@contextmanager
def imports_lightened(unused: Iterable[str]) -> Iterator[None]:
    """Make packages that are not imported yet look as if they were not installed, and pause garbage collection."""
    refused = [name for name in unused if name not in sys.modules]
    sys.modules.update(dict.fromkeys(refused))  # type: ignore[arg-type]  # None makes an import fail
    gc.disable()  # to scan the imported objects, which all stay, again and again takes a quarter of a start's CPU time
    try:
        yield
    finally:
        for name in refused:
            del sys.modules[name]
        gc.freeze()
        gc.enable()


@contextmanager
def start_up_messages_filtered() -> Iterator[None]:
    """Buffer stderr, that of native code too, and pass it on at the end without start-up messages."""
    sys.stderr.flush()
    stderr = os.dup(2)
    faulthandler.enable(stderr)  # to which a crash in native code still writes the signal and Python's stack
    with TemporaryFile() as buffer:
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            faulthandler.enable(2)
            os.close(stderr)
            buffer.seek(0)
            for line in buffer.read().decode(errors="replace").splitlines():
                if not any(message in line for message in START_UP_MESSAGES):
                    sys.stderr.write(f"{line}\n")


with start_up_messages_filtered(), imports_lightened(UNUSED_BY_KERAS):
    import keras
    import tensorflow as tf
    from keras import layers

    for gpu in tf.config.list_physical_devices("GPU"):  # logs its search
        tf.config.experimental.set_memory_growth(gpu, True)  # or the first of two parallel training runs takes it all

# TensorFlow warns about compiling again for each further model, which is inevitable.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

# The rounding of an operation depends on its number of threads (docs/decisions/one_thread.md), not on how many
# operations run at the same time.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(available_cores())

# TensorFloat-32 keeps ten bits of float32's mantissa.
tf.config.experimental.enable_tensor_float_32_execution(False)

# By default glibc returns the tens of megabytes that TensorFlow frees in each step to the system, and each step faults
# every page in anew: a third of the CPU time of a training run on features.
M_TOP_PAD, M_MMAP_THRESHOLD = -2, -3
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc
    mallopt(M_MMAP_THRESHOLD, 2**30)
    mallopt(M_TOP_PAD, 64 * 2**20)

__all__ = ["keras", "layers", "tf"]  # mypy's re-exports; whatever is defined below is public too


def make_deterministic(seed: int) -> None:
    """Seed all global random generators, and make TensorFlow's operations deterministic; call it before building."""
    keras.utils.clear_session()  # resets the counters in layers' names
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def use_float16_in_silence() -> None:
    """Use float16 once, as stored features do: at first TensorFlow logs an error if oneDNN has no float16."""
    tf.config.list_logical_devices()  # starts TensorFlow's devices, whose messages are to be seen
    with tf.device("CPU"), start_up_messages_filtered():
        tf.cast(np.float16(0), tf.float32)


def set_precision(precision: str, *, has_backbone: bool) -> str:
    """Set Keras's dtype policy for new models, whose weights and logits stay float32; return it and the reason."""
    policy, reason = fastest_precision(has_backbone) if precision == "auto" else (precision, "set by train.precision")
    keras.config.set_dtype_policy(policy)
    return f"{policy}, {reason}"


@contextmanager
def float32_policy() -> Iterator[None]:
    """Build models in float32 within this context, whatever the current policy."""
    policy = keras.config.dtype_policy()
    if policy.name != "float32":  # another object of the same name would change a saved model's bytes
        keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def fastest_precision(has_backbone: bool) -> tuple[str, str]:
    """Return the policy for "auto" and why; without instructions for it, half precision is slower than float32."""
    if gpus := tf.config.list_physical_devices("GPU"):
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        capability = min(each.get("compute_capability", (0, 0)) for each in details)  # only NVIDIA's
        reason = f"as the GPU has compute capability {capability[0]}.{capability[1]}"
        if capability >= (8, 0):
            return "mixed_bfloat16", reason
        return ("mixed_float16" if capability >= (7, 0) else "float32"), reason
    if has_backbone:
        return "float32", "as a model with a backbone on a CPU"
    if not {"avx512_bf16", "amx_bf16"} & set(instruction_sets()):
        return "float32", "as the CPU has no AVX-512 BF16 or AMX"
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return "float32", "as oneDNN is off (TF_ENABLE_ONEDNN_OPTS=0)"
    return "mixed_bfloat16", "as the CPU has AVX-512 BF16 or AMX"


def describe_environment() -> list[str]:
    """Describe the software and hardware that results depend on, a line each."""
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    gpus = ", ".join(str(each.get("device_name", "unknown")) for each in details) or "none"
    one_dnn = "off" if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" else "on"
    return [*versions_and_cpu(), f"GPUs: {gpus}", f"oneDNN: {one_dnn}"]
