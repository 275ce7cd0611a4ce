"""Back up a training after each epoch, so that a killed one resumes exactly where it was.

Keras has a callback for it that does not (docs/decisions/own_backup.md).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.storage.files import atomic_write, is_intact_zip

if TYPE_CHECKING:  # reading a backup's history must not wait for TensorFlow
    from stages.models.runtime import keras

logger = logging.getLogger(__name__)

History = list[dict[str, Any]]  # a record per epoch

STAGES = Path(__file__).parents[1]
# The code that a trained model depends on: `train` has the same files in dvc.yaml.
TRAINING_CODE = ("datasets/*.py", "models/*.py", "storage/*.py", "train.py", "training/*.py")


class Backup:
    """A training's state after its last finished epoch, in one file.

    Args:
        key: the content_hash of all that the training depends on; a backup with another key is ignored.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key

    def history(self) -> History:
        """Read a record per finished epoch: none if there is no backup, or one of other parameters, data or code.

        A damaged backup is none, and logged.
        """
        if not self.path.exists():
            return []
        if not is_intact_zip(self.path):
            logger.warning("%s is damaged, so the training starts from the beginning", self.path)
            return []
        content = read_content(self.path)
        return list(content["history"]) if content["key"] == self.key else []

    def save(self, model: keras.Model, history: History, kept: Sequence[np.ndarray] = ()) -> None:
        """Write the state to the file, which replaces that of the epoch before once it is whole.

        Args:
            kept: the values of the model's variables in the best epoch so far, where that becomes the model.
        """
        arrays = {f"variable_{number}": variable.numpy() for number, variable in enumerate(variables_of(model))}
        arrays |= {f"kept_{number}": array for number, array in enumerate(kept)}
        about = np.array(json.dumps({"key": self.key, "history": history}))
        with atomic_write(self.path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, about=about, **arrays)

    def restore(self, model: keras.Model) -> None:
        """Bring a compiled model with a built optimizer to the state in the file."""
        with np.load(self.path, allow_pickle=False) as saved:
            for number, variable in enumerate(variables_of(model)):
                variable.assign(saved[f"variable_{number}"])

    def kept(self) -> list[np.ndarray]:
        """Read what was given as ``kept``."""
        with np.load(self.path, allow_pickle=False) as saved:
            return [saved[f"kept_{number}"] for number in range(sum(name.startswith("kept_") for name in saved))]


def read_content(path: Path) -> dict[str, Any]:
    """Read the ``key`` and ``history`` of a backup."""
    with np.load(path, allow_pickle=False) as saved:
        return dict(json.loads(str(saved["about"])))


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """List what training changes: weights, random generators' states, the optimizer's momenta and step count."""
    return [*model.variables, *model.optimizer.variables]


def training_code() -> list[str]:
    """Read the files of ``TRAINING_CODE``."""
    files = sorted(file for pattern in TRAINING_CODE for file in STAGES.glob(pattern))
    return [file.read_text(encoding="utf-8") for file in files]
