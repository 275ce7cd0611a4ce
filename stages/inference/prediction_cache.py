"""Cache of predictions on the test photos. Why DVC does not track them: docs/decisions/prediction_cache.md."""

from itertools import chain
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from stages.common.cli import UserError, logger
from stages.common.machine import machine_key, read_code
from stages.common.paths import PREDICTIONS, retrain_advice
from stages.inference import prediction
from stages.inference.prediction import KerasModel, Outputs, Size
from stages.models.model_parts import read_parts
from stages.storage.arrays import ArrayStore, DiskArray, create_array, open_array, read_cached, write_cached
from stages.storage.files import atomic_write, content_hash, explain_unreadable, sha256_of, write_text

INFERENCE_CODE = ("inference/*.py", "models/*.py")  # what predictions depend on, from the pixels on


class PredictionCache:
    """Outputs of models for the same photos, each in a file of ``data/predictions/`` used while its key matches."""

    def __init__(self, pixels: ArrayStore) -> None:
        self.pixels = pixels
        self.used: set[Path] = set()
        self.maps: dict[Path, Path] = {}  # of the frozen backbone, by model; many models share one
        self.sizes: dict[str, Size] = {}  # of the models that predicted
        parts = [str(pixels.shape), *machine_key(), *read_code(INFERENCE_CODE)]
        photos = (pixels[np.array([index])] for index in range(len(pixels)))  # one by one: all may not fit into memory
        self.key = content_hash(chain(parts, photos))

    def predict(self, model_path: Path, *, features: bool = False) -> Outputs:
        """Return the outputs of a model, with or without features; it is loaded only if they are not cached."""
        with explain_unreadable(model_path, retrain_advice(model_path)):
            backbone, head = read_parts(model_path)
        if backbone:
            maps = PREDICTIONS / f"{content_hash([backbone, self.key])}.npy"
            if maps not in self.maps.values() and not is_intact(maps):  # once, as it is read whole
                maps.unlink(missing_ok=True)
            self.maps[model_path] = maps
        if backbone and head:  # of a linear classifier: features are cached, which any fit to them shares
            key = content_hash([backbone, str(head.kernel.shape), self.key])
            path = PREDICTIONS / f"{key}.npz"
            if not self.maps[model_path].exists():  # Grad-CAM needs them
                path.unlink(missing_ok=True)
            pooled = self.cached(path, key, model_path, features=True)["features"]
            with threadpool_limits(limits=1):  # the last digits depend on the number of threads
                return Outputs(pooled @ head.kernel + head.bias, pooled if features else None)
        model_bytes = np.frombuffer(model_path.read_bytes(), np.uint8)
        key = content_hash([model_bytes, str(features), self.key])
        arrays = self.cached(PREDICTIONS / f"{model_path.stem}.npz", key, model_path, features=features)
        return Outputs(arrays["logits"], arrays.get("features"))

    def cached(self, path: Path, key: str, model_path: Path, *, features: bool) -> dict[str, np.ndarray]:
        """Return the outputs of a model that are cached at ``path`` under a key, or compute and cache them."""
        self.used.add(path)
        arrays = read_cached(path, key)
        logger.info("%s: %s", model_path.stem, "predictions are cached" if arrays else "predicting the test photos")
        if not arrays:
            arrays = self.compute(model_path, features=features)
            write_cached(path, key, **arrays)
        self.sizes[model_path.stem] = Size(*arrays["size"].tolist())
        return arrays

    def compute(self, model_path: Path, *, features: bool) -> dict[str, np.ndarray]:
        """Load a model, and return its outputs by name and its ``size``; also measure its speed."""
        from stages.models.runtime import make_deterministic

        make_deterministic(0)
        model = prediction.load_model(model_path)
        expected, received = list(self.pixels.shape[1:3]), list(model.input_shape[1:3])
        if received != expected:
            text = f"expected image_size {expected} (params.yaml), received {received}"
            raise UserError(f"{model_path}: {text}: {retrain_advice(model_path)}")
        prediction.measure_speed(model, model_path, self.pixels)
        outputs = self.predict_photos(model, self.maps.get(model_path), features=features)
        arrays = {name: array for name, array in outputs._asdict().items() if array is not None}
        return {**arrays, "size": np.array(prediction.size_of(model))}

    def predict_photos(self, model: KerasModel, maps_path: Path | None, *, features: bool) -> Outputs:
        """Predict the photos, from the feature maps of the frozen backbone if there is one; write them if missing."""
        if maps_path is None:
            return prediction.predict_outputs(prediction.with_features(model) if features else model, self.pixels)
        backbone, rest = prediction.split_after_backbone(model)
        if not maps_path.exists():
            with atomic_write(maps_path) as unfinished:
                maps = create_array(unfinished, (len(self.pixels), *backbone.output_shape[1:]), np.float32)
                done = 0
                for [batch] in prediction.predict_batches(backbone, self.pixels):
                    maps.write(done, batch)
                    done += len(batch)
                write_text(sha256_of(unfinished), checksum_path(maps_path))
        return prediction.predict_outputs(prediction.with_features(rest) if features else rest, open_array(maps_path))

    def feature_maps(self, model_path: Path) -> DiskArray:
        """Open the feature maps of a model that predicted, float32, shaped (photos, height, width, channels)."""
        return open_array(self.maps[model_path])

    def delete_unused(self) -> None:
        used = {*self.used, *self.maps.values(), *map(checksum_path, self.maps.values())}
        for path in PREDICTIONS.glob("*.*"):
            if path.suffix in (".npz", ".npy", ".sha256") and path not in used:
                path.unlink()


def checksum_path(path: Path) -> Path:
    return path.with_suffix(".sha256")


def is_intact(path: Path) -> bool:
    """Return whether a file exists and has the SHA-256 at its ``checksum_path``; one that has another is logged."""
    checksum = checksum_path(path)
    if not (path.exists() and checksum.exists()):
        return False
    if checksum.read_bytes() == sha256_of(path).encode():
        return True
    logger.warning("%s is damaged, so it is not used", path)
    return False
