"""What a result depends on besides parameters, photos and code."""

import os
import platform
from pathlib import Path

import numpy as np
import PIL

from stages.models.runtime import keras, tf

# The instruction sets among which TensorFlow's kernels choose, and so round differently.
INSTRUCTION_SETS = {"avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve"}


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
