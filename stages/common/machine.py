"""Versions and CPU that results depend on, without loading TensorFlow."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

# Those with kernels of their own in TensorFlow, which round differently.
INSTRUCTION_SETS = {"avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve"}

GPUS = ("nvidia*", "kfd")
SWITCHES = ("CUDA_VISIBLE_DEVICES", "TF_ENABLE_ONEDNN_OPTS")


def versions_and_cpu() -> list[str]:
    """Describe the software and the CPU, a line each."""
    return [
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("TensorFlow", "Keras", "NumPy", "Pillow")),
        f"{platform.system()} {platform.machine()}: {' '.join(instruction_sets()) or 'unknown instruction sets'}",
    ]


def machine_key() -> list[str]:
    """List what results depend on: versions, CPU, GPUs and switches."""
    return [*versions_and_cpu(), *gpu_devices(), *(str(os.environ.get(switch)) for switch in SWITCHES)]


def gpu_devices() -> list[str]:
    return sorted(str(device) for pattern in GPUS for device in Path("/dev").glob(pattern))


def instruction_sets() -> list[str]:
    cpuinfo = Path("/proc/cpuinfo")
    return sorted(INSTRUCTION_SETS & set(cpuinfo.read_text().split())) if cpuinfo.exists() else []
