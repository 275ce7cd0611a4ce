"""Cache of predictions on the test photos. Why DVC does not track them: docs/decisions/prediction_cache.md."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from threadpoolctl import threadpool_limits

from stages.common.cli import UserError, logger
from stages.common.machine import machine_key, read_code
from stages.common.paths import PREDICTIONS, retraining
from stages.inference.model_size import Size, measure_speed, size_of
from stages.inference.prediction import KerasModel, Outputs, load_model, predict_batches, predict_outputs, with_features
from stages.models.linear_file import LinearHead, read_linear_head
from stages.storage.arrays import ArrayStore, DiskArray, create_array, open_array, read_cached, write_cached
from stages.storage.files import atomic_write, content_hash

INFERENCE_CODE = ("inference/*.py", "models/*.py")  # what predictions depend on, from the pixels on


class PredictionCache:
    """Outputs of models for the same photos, in a file in ``data/predictions/`` each.

    A file is used while its key is the same: a hash of the model, the pixels, the versions, the hardware and the code.
    """

    def __init__(self, pixels: ArrayStore) -> None:
        self.pixels = pixels
        self.used: set[Path] = set()
        self.sizes: dict[str, Size] = {}  # of the models that predicted
        parts = [str(pixels.shape), *machine_key(), *read_code(INFERENCE_CODE)]
        # One by one, as the photos may not fit into memory.
        photos = (pixels[np.array([index])] for index in range(len(pixels)))
        self.key = content_hash(chain(parts, photos))

    def predict(self, model_path: Path, *, features: bool = False) -> Outputs:
        """Return the outputs of a model, with or without features; it is loaded only if they are not cached."""
        try:
            head = read_linear_head(model_path)
        except BadZipFile as error:
            text = f"expected an intact model in {model_path}, received a damaged file"
            raise UserError(f"{text}: {retraining(model_path)}") from error
        if head:
            pooled = self.backbone_features(model_path, head)
            with threadpool_limits(limits=1):  # the last digits depend on the number of threads
                return Outputs(pooled @ head.kernel + head.bias, pooled if features else None)

        def compute(model: KerasModel) -> dict[str, np.ndarray]:
            outputs = predict_outputs(with_features(model) if features else model, self.pixels)
            return {name: array for name, array in outputs._asdict().items() if array is not None}

        model_bytes = np.frombuffer(model_path.read_bytes(), np.uint8)
        key = content_hash([model_bytes, str(features), self.key])
        arrays = self.cached(PREDICTIONS / f"{model_path.stem}.npz", key, model_path, compute)
        return Outputs(arrays["logits"], arrays.get("features"))

    def backbone_features(self, model_path: Path, head: LinearHead) -> np.ndarray:
        """Return a backbone's pooled features, which are cached with its feature maps for all heads."""
        maps_path = self.maps_path(head)
        path = maps_path.with_suffix(".npz")
        self.used.add(maps_path)
        if not maps_path.exists():
            path.unlink(missing_ok=True)
        arrays = self.cached(path, maps_path.stem, model_path, lambda model: self.extract(model, maps_path))
        return arrays["features"]

    def cached(
        self, path: Path, key: str, model_path: Path, compute: Callable[[KerasModel], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Return cached arrays or, if there are none, cache what a model computes, its size and its speed."""
        self.used.add(path)
        arrays = read_cached(path, key)
        logger.info("%s: %s", model_path.stem, "predictions are cached" if arrays else "predicting the test photos")
        if not arrays:
            from stages.models.runtime import make_deterministic

            make_deterministic(0)
            model = load_model(model_path)
            expected, received = list(self.pixels.shape[1:3]), list(model.input_shape[1:3])
            if received != expected:
                text = f"expected image_size {expected} (params.yaml), received {received}"
                raise UserError(f"{model_path}: {text}: {retraining(model_path)}")
            arrays = {"size": np.array(size_of(model)), **compute(model)}
            measure_speed(model, model_path, self.pixels)
            write_cached(path, key, **arrays)
        self.sizes[model_path.stem] = Size(*arrays["size"].tolist())
        return arrays

    def extract(self, model: KerasModel, maps_path: Path) -> dict[str, np.ndarray]:
        """Write a backbone's feature maps (for Grad-CAM), and return their means: ``features``, (photos, channels)."""
        from stages.models.build import backbone_end
        from stages.models.runtime import keras

        backbone = keras.Model(model.input, model.layers[backbone_end(model)].input)
        means: list[np.ndarray] = []
        with atomic_write(maps_path) as unfinished:
            maps = create_array(unfinished, (len(self.pixels), *backbone.output_shape[1:]), np.float16)
            done = 0
            for [batch] in predict_batches(backbone, self.pixels):
                maps.write(done, batch)
                means.append(batch.mean((1, 2)))
                done += len(batch)
        return {"features": np.concatenate(means)}

    def maps_path(self, head: LinearHead) -> Path:
        return PREDICTIONS / f"{content_hash([head.rest, self.key])}.npy"

    def feature_maps(self, head: LinearHead) -> DiskArray:
        """Open the feature maps that :meth:`extract` wrote, float16, shaped (photos, height, width, channels)."""
        return open_array(self.maps_path(head))

    def delete_unused(self) -> None:
        for path in set(PREDICTIONS.glob("*.np[yz]")) - self.used:
            path.unlink()
