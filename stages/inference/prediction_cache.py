"""Cache of predictions on the test photos. Why DVC does not track them: docs/decisions/prediction_cache.md."""

import logging
from collections.abc import Collection
from io import BytesIO
from pathlib import Path

import numpy as np

from stages.common.paths import PREDICTIONS
from stages.inference.confidence import DAMAGED_NPZ
from stages.inference.logits import BATCH_SIZE, Outputs, existing_model, load_model, predict_outputs, with_features
from stages.models.runtime import describe_environment
from stages.storage.arrays import ArrayStore
from stages.storage.files import atomic_write, content_hash

logger = logging.getLogger(__name__)

STAGES = Path(__file__).parents[1]
INFERENCE_CODE = ("inference/*.py", "models/*.py")  # what predictions depend on, from the pixels on


class PredictionCache:
    """Outputs of models for the same photos, in a file ``data/predictions/MODEL.npz`` each.

    A file is used while its key is the same: a hash of the model, the pixels, the versions, the CPU and the code.
    """

    def __init__(self, pixels: ArrayStore) -> None:
        self.pixels = pixels
        indices = np.arange(len(pixels))
        code = [file.read_text("utf-8") for pattern in INFERENCE_CODE for file in sorted(STAGES.glob(pattern))]
        # Batch by batch, as the photos may not fit into memory.
        batches = (pixels[indices[start : start + BATCH_SIZE]] for start in range(0, len(pixels), BATCH_SIZE))
        self.key = content_hash([str(pixels.shape), *describe_environment(), *code, *batches])

    def predict(self, model_path: Path, *, features: bool = False) -> Outputs:
        """Return the outputs of a model, with or without features; it is loaded only if they are not cached."""
        path = PREDICTIONS / f"{model_path.stem}.npz"
        model_bytes = np.frombuffer(existing_model(model_path).read_bytes(), np.uint8)
        key = content_hash([model_bytes, str(features), self.key])
        cached = read_outputs(path, key)
        logger.info("%s: %s", path.stem, "predictions are cached" if cached else "predicting the test photos")
        if cached:
            return cached
        model = load_model(model_path)
        outputs = predict_outputs(with_features(model) if features else model, self.pixels)
        arrays = {name: array for name, array in outputs._asdict().items() if array is not None}
        with atomic_write(path) as unfinished:
            np.savez(unfinished, key=np.array(key), **arrays)
        return outputs


def read_outputs(path: Path, key: str) -> Outputs | None:
    """Return cached outputs, or None if the file is missing, has another key or, which is logged, is damaged."""
    if not path.exists():
        return None
    content = BytesIO(path.read_bytes())
    try:
        with np.load(content, allow_pickle=False) as file:
            arrays = dict(file)
        return Outputs(arrays["logits"], arrays.get("features")) if arrays["key"] == key else None
    except DAMAGED_NPZ:
        logger.warning("%s is damaged, so the predictions in it are not used", path)
        return None


def delete_others(models: Collection[str]) -> None:
    """Delete the cached predictions of all models but these."""
    for path in PREDICTIONS.glob("*.npz"):
        if path.stem not in models:
            path.unlink()
