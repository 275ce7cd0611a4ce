"""Keep what models predict on a set of photos, and predict again only with a model that has changed.

Why DVC does not: docs/decisions/prediction_cache.md.
"""

import hashlib
import logging
from collections.abc import Collection
from itertools import chain
from pathlib import Path

import numpy as np

from stages.common.paths import PREDICTIONS
from stages.inference.logits import BATCH_SIZE, existing_model, load_model, predict_logits
from stages.inference.out_of_distribution import with_features
from stages.models.runtime import describe_environment
from stages.storage.arrays import ArrayStore
from stages.storage.files import atomic_write, content_hash, is_intact_zip

logger = logging.getLogger(__name__)

STAGES = Path(__file__).parents[1]
# The code that predictions depend on, from the pixels on.
INFERENCE_CODE = ("inference/*.py", "models/*.py")


class PredictionCache:
    """The logits that models predict on the same photos, in a file ``data/predictions/MODEL.npz`` for each.

    A file is used for as long as all that its logits depend on is the same: the bytes of the model, the pixels,
    versions and processor, and the code.

    Args:
        pixels: uint8 in 0..255, shaped (photos, height, width, 3).
    """

    def __init__(self, pixels: ArrayStore) -> None:
        self.pixels = pixels
        numbers = np.arange(len(pixels))
        # Batch by batch, as the photos may not fit into memory.
        batches = (pixels[numbers[start : start + BATCH_SIZE]] for start in range(0, len(pixels), BATCH_SIZE))
        self.shared_key = content_hash(chain([str(pixels.shape), *describe_environment()], inference_code(), batches))

    def logits(self, model_path: Path, features: bool = False) -> np.ndarray:
        """Return the logit of each class for each photo, as ``predict_logits`` does.

        Where they are kept, the model is not loaded.

        Args:
            features: whether the features of the model's backbone are to follow (``with_features``).

        Raises:
            UserError: There is no such model.
        """
        path = PREDICTIONS / f"{model_path.stem}.npz"
        with existing_model(model_path).open("rb") as file:
            key = content_hash([hashlib.file_digest(file, "sha256").hexdigest(), str(features), self.shared_key])
        kept = read_cached(path, key)
        if kept is not None:
            logger.info("%s: its predictions on the test photos were kept", path.stem)
            return kept
        logger.info("%s: predicting the test photos", path.stem)
        model = load_model(model_path)
        logits = predict_logits(with_features(model) if features else model, self.pixels)
        with atomic_write(path) as unfinished, unfinished.open("wb") as out:
            np.savez(out, key=np.array(key), logits=logits)
        return logits


def read_cached(path: Path, key: str) -> np.ndarray | None:
    """Read the logits in a file, unless there is none, or one with another key; a damaged one is logged."""
    if not path.exists():
        return None
    if is_intact_zip(path):
        try:
            with np.load(path, allow_pickle=False) as kept:
                return np.asarray(kept["logits"]) if str(kept["key"]) == key else None
        except (KeyError, ValueError):  # another program's zip file
            pass
    logger.warning("%s is damaged, so the predictions in it are not used", path)
    return None


def delete_others(models: Collection[str]) -> None:
    """Delete the predictions of all models but these."""
    for path in PREDICTIONS.glob("*.npz"):
        if path.stem not in models:
            path.unlink()


def inference_code() -> list[str]:
    """Read the files of ``INFERENCE_CODE``."""
    files = sorted(file for pattern in INFERENCE_CODE for file in STAGES.glob(pattern))
    return [file.read_text(encoding="utf-8") for file in files]
