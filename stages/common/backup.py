"""Keep the state of a training at the end of each epoch, so that a killed one goes on exactly where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.common.output import replacing

if TYPE_CHECKING:  # who only looks at a backup does not wait for TensorFlow
    from stages.common.backend import keras

Records = list[dict[str, Any]]


def fingerprint(parts: Iterable[str | np.ndarray]) -> str:
    """Hash everything that a training depends on: SHA-256, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        array: Any = np.frombuffer(part.encode(), np.uint8) if isinstance(part, str) else np.ascontiguousarray(part)
        digest.update(f"{array.nbytes} ".encode())
        digest.update(array)
    return digest.hexdigest()


def state_of(model: keras.Model) -> list[keras.Variable]:
    """List what training changes: weights, the random numbers' seeds, the optimizer's momenta and step count."""
    return [*model.variables, *model.optimizer.variables]


def save_backup(path: Path, key: str, model: keras.Model, history: Records) -> None:
    """Write the state to one file, which replaces the epoch before's when it is whole.

    Args:
        key: the fingerprint of all that this training depends on.
        history: a record per finished epoch.
    """
    arrays = {f"variable_{number}": variable.numpy() for number, variable in enumerate(state_of(model))}
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, about=np.array(json.dumps({"key": key, "history": history})), **arrays)


def load_history(path: Path, key: str) -> Records:
    """Read the history so far: empty where there is no backup, or one of other parameters, data or code."""
    if not path.exists():
        return []
    about = read_backup(path)
    return list(about["history"]) if about["key"] == key else []


def read_backup(path: Path) -> dict[str, Any]:
    """Read a backup's ``key`` and ``history``."""
    with np.load(path, allow_pickle=False) as saved:
        return dict(json.loads(str(saved["about"])))


def load_state(path: Path, model: keras.Model) -> None:
    """Bring a compiled model with a built optimizer to the state in the file."""
    with np.load(path, allow_pickle=False) as saved:
        for number, variable in enumerate(state_of(model)):
            variable.assign(saved[f"variable_{number}"])
