"""ONNX exports of models, kept in ``data/exports/`` so that ``commands.predict`` need not load TensorFlow.

ONNX Runtime starts in a tenth of a second and takes half of TensorFlow's time for a photo
(docs/decisions/predict_from_onnx.md). An export belongs to one model file and the ``.npz`` beside it, without
which it has no features, and to the exporter, the versions and the CPU it was made with.
"""

import os
from contextlib import suppress
from importlib.metadata import distributions, version
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from tqdm import tqdm

from commands.export.fidelity import training_pixels
from stages.common.cli import UserError, first_line, logger
from stages.common.machine import gpu_devices, machine_key
from stages.common.params import ConfidenceSettings
from stages.inference.model_file import ModelFile, TrainedModel
from stages.inference.prediction import predict_outputs
from stages.storage.arrays import read_cached, write_cached
from stages.storage.files import DAMAGED, content_hash, scratch_folder

EXPORTS = Path("data/exports")
MAX_EXPORTS = 4  # which stay: those used last
PACKAGES = ("onnx", "onnxruntime", "tf2onnx")  # of the dependency group export
MAX_DIFFERENCE = 1e-5  # of a probability
CHECKED, NOISE_IMAGES = 64, 16  # training photos or, without them, images


class OnnxModel:
    """A model in ONNX Runtime, with what ``predict_outputs`` uses of a Keras model."""

    batch_size = 4  # its memory fits the cache of a core: 6 % faster than 8

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # as TensorFlow's operations (docs/decisions/one_thread.md)
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.input_shape = self.session.get_inputs()[0].shape

    def make_predict_function(self) -> None:
        """There is nothing to compile."""

    def predict_on_batch(self, pixels: np.ndarray) -> list[np.ndarray]:
        return list(self.session.run(None, {"pixels": pixels.astype(np.float32)}))


def load_exported(file: ModelFile, settings: ConfidenceSettings) -> TrainedModel:
    """Load a model's export, made by its first use; or the model itself, where the export would answer otherwise."""
    if not is_exportable(file):
        return file.load(settings)
    with_features = settings.out_of_distribution_fraction is not None
    versions = [version(package) for package in PACKAGES]
    content = np.frombuffer(file.content + (file.validation or b""), np.uint8)
    exporter = Path(__file__).with_name("exporters.py").read_text(encoding="utf-8")
    key = content_hash([content, exporter, str(with_features), *machine_key(), *versions])
    path = EXPORTS / f"{key}.npz"
    trained, cached = None, read_cached(path, key)
    if not cached:
        trained = file.load(settings)
        try:
            cached = export(trained)
            write_cached(path, key, **cached)
            for old in sorted(EXPORTS.glob("*.npz"), key=lambda file: file.stat().st_mtime)[:-MAX_EXPORTS]:
                old.unlink(missing_ok=True)
        except (OSError, MemoryError):  # such as of a project that one may only read
            return trained
    with suppress(OSError):
        os.utime(path)  # those used last are kept
    if "reason" in cached:
        logger.info("TensorFlow predicts with %s: %s", file.name, cached["reason"])
        return trained or file.load(settings)
    model = OnnxModel(cached["onnx"].tobytes())
    calibration = trained.calibration if trained else file.calibrate(settings)
    return TrainedModel(file.name, model, file.class_names, calibration, image_fit=file.image_fit)


def is_exportable(file: ModelFile) -> bool:
    """Return whether ONNX Runtime is there and may give the same answers: in float32, and on a CPU."""
    try:
        half_precision = b'"mixed_' in ZipFile(BytesIO(file.content)).read("config.json")
    except (*DAMAGED, OSError):  # which `load` explains
        return False
    return not half_precision and not gpu_devices() and all(any(distributions(name=package)) for package in PACKAGES)


def export(trained: TrainedModel) -> dict[str, np.ndarray]:
    """Export a model and compare it: return ``onnx``, its bytes, or the ``reason`` why TensorFlow must predict."""
    from commands.export.exporters import FORMATS, write_model

    try:
        pixels = training_pixels(trained, CHECKED)
    except UserError:  # a model without its photos: check it on noise
        pixels = np.random.default_rng(0).integers(0, 256, (NOISE_IMAGES, *trained.image_size, 3), np.uint8)
    description = f"exporting {trained.name} to ONNX (once)"
    with scratch_folder(EXPORTS) as folder, tqdm(desc=description, bar_format="{desc} {elapsed}", disable=None):
        path = folder / "model.onnx"
        model = trained.predictor
        try:
            write_model(model, FORMATS["onnx"], path)
            onnx = path.read_bytes()
            exported = trained.calibration.probabilities(predict_outputs(OnnxModel(onnx), pixels).logits)
            expected = trained.calibration.probabilities(predict_outputs(model, pixels).logits)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 (whatever an exporter fails at, TensorFlow predicts)
            return {"reason": np.array(f"it cannot be exported to ONNX ({first_line(error)})")}
    difference = np.abs(exported - expected).max()
    if not difference <= MAX_DIFFERENCE:  # or NaN
        return {"reason": np.array(f"its ONNX export changes a probability by {difference:.2g}")}
    return {"onnx": np.frombuffer(onnx, np.uint8)}
