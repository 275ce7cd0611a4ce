"""The code, versions and hardware that results depend on, and measured times; without loading TensorFlow."""

import json
import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stages.common.paths import COSTS

STAGES = Path(__file__).parents[1]
# For these TensorFlow has kernels of their own, which round differently.
INSTRUCTION_SETS = {"avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve"}
GPUS = ("nvidia*", "kfd")
SWITCHES = ("CUDA_VISIBLE_DEVICES", "TF_ENABLE_ONEDNN_OPTS")


def read_code(patterns: Iterable[str]) -> list[str]:
    return [file.read_text(encoding="utf-8") for pattern in patterns for file in sorted(STAGES.glob(pattern))]


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


def record_measurements(name: str, of: str, **values: float) -> None:
    """Write measured times into ``data/costs/``, not an output, as they vary; ``of`` is a hash of what was measured."""
    COSTS.mkdir(parents=True, exist_ok=True)
    (COSTS / f"{name}.json").write_text(json.dumps({"of": of, **values}) + "\n", encoding="utf-8")


def read_measurements(name: str, of: str) -> dict[str, Any]:
    """Read measured values; an empty dict if there are none here, or only of something else."""
    with suppress(OSError, ValueError):
        values = json.loads((COSTS / f"{name}.json").read_text(encoding="utf-8"))
        if isinstance(values, dict) and values.pop("of", None) == of:
            return values
    return {}
