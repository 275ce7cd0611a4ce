"""Choose the floating-point precision of a model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from stages.models.environment import instruction_sets
from stages.models.runtime import keras, tf

Policy = Literal["float32", "mixed_bfloat16", "mixed_float16"]


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
