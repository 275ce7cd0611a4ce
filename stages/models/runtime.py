"""Load TensorFlow and Keras, quietly, and make them repeat themselves.

Every other module takes them from here: `from stages.models.runtime import keras, tf`. Why it looks as it does:
docs/decisions/start_up.md.
"""

import ctypes
import faulthandler
import gc
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

import numpy as np
import PIL

from stages.common.parallel import available_cores

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

__all__ = [
    "describe_environment",
    "device_count",
    "device_strategy",
    "float32_policy",
    "instruction_sets",
    "keras",
    "layers",
    "make_deterministic",
    "set_precision",
    "tf",
]

# The instruction sets among which TensorFlow's kernels choose, and so round differently.
INSTRUCTION_SETS = {"avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve"}

Policy = Literal["float32", "mixed_bfloat16", "mixed_float16"]


def make_deterministic(seed: int) -> None:
    """Make this process's random numbers and TensorFlow's operations repeat exactly; call it before building."""
    keras.utils.clear_session()  # layers' names count from one again
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def device_strategy() -> tf.distribute.Strategy:
    """Choose where a model trains: on all GPUs, each with a part of every batch, or else on what there is.

    Build the model within the strategy's ``scope()``, and train it in ``MicroBatched``, which divides each batch.
    """
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def device_count() -> int:
    """Count the devices of the strategy in whose scope this is called."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def set_precision(wanted: str, *, has_backbone: bool) -> str:
    """Set Keras's dtype policy for models built from now on; their weights and logits are always float32.

    Args:
        wanted: a policy, or "auto" for the fastest that this machine computes natively (``train.precision``).

    Returns:
        The policy and the reason for it, as text.
    """
    policy, reason = fastest_precision(has_backbone) if wanted == "auto" else (wanted, "as train.precision says")
    keras.config.set_dtype_policy(policy)
    return f"{policy}, {reason}"


@contextmanager
def float32_policy() -> Iterator[None]:
    """Let models built within compute in float32, whatever ``set_precision`` set."""
    policy = keras.config.dtype_policy()
    if policy.name != "float32":  # another object of the same name would change a saved model's bytes
        keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def fastest_precision(has_backbone: bool) -> tuple[Policy, str]:
    """Choose by the hardware; without the instructions for it, half precision is slower than float32."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        capability = min(each.get("compute_capability", (0, 0)) for each in details)  # only NVIDIA's
        found = f"as the GPU has compute capability {capability[0]}.{capability[1]}"
        if capability >= (8, 0):
            return "mixed_bfloat16", found
        return ("mixed_float16" if capability >= (7, 0) else "float32"), found
    if has_backbone:
        return "float32", "as a model with a backbone on a processor"
    if not {"avx512_bf16", "amx_bf16"} & set(instruction_sets()):
        return "float32", "as the processor has no AVX-512 BF16 or AMX"
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return "float32", "as oneDNN is off (TF_ENABLE_ONEDNN_OPTS=0)"
    return "mixed_bfloat16", "as the processor has AVX-512 BF16 or AMX"


def describe_environment() -> list[str]:
    """Describe this machine and its software in a few lines, which explain why results differ from another's."""
    gpus = [
        str(tf.config.experimental.get_device_details(gpu).get("device_name", "unknown"))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return [
        f"Python {platform.python_version()}",
        f"TensorFlow {tf.__version__}",
        f"Keras {keras.__version__}",
        f"NumPy {np.__version__}",
        f"Pillow {PIL.__version__}",
        f"{platform.system()} {platform.machine()}: {' '.join(instruction_sets()) or 'unknown instruction sets'}",
        f"GPUs: {', '.join(gpus) or 'none'}",
        f"oneDNN: {'off' if os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '0' else 'on'}",
    ]


def instruction_sets() -> list[str]:
    cpuinfo = Path("/proc/cpuinfo")
    return sorted(INSTRUCTION_SETS & set(cpuinfo.read_text().split())) if cpuinfo.exists() else []
