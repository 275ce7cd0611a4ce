"""ONNX exports of models, kept in ``data/exports/`` so that ``commands.predict`` need not load TensorFlow.

ONNX Runtime starts in a tenth of a second and takes half of TensorFlow's time for a photo
(docs/decisions/predict_from_onnx.md). An export belongs to one model file and the ``.npz`` beside it, without
which it has no features, and to the exporter, the versions and the CPU it was made with.
"""

import logging
import os
from contextlib import suppress
from importlib.metadata import distributions, version
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from tqdm import tqdm

from commands.export.fidelity import measure_fidelity, noise, training_pixels
from stages.common.cli import UserError, first_line
from stages.common.machine import gpu_devices, machine_key
from stages.common.params import ConfidenceSettings
from stages.inference.calibration import DAMAGED_NPZ
from stages.inference.logits import predict_outputs
from stages.inference.model_file import ModelFile, TrainedModel
from stages.storage.files import atomic_write, content_hash, is_intact_zip

logger = logging.getLogger(__name__)

EXPORTS = Path("data/exports")
KEPT = 4  # of them, those used last
PACKAGES = ("onnx", "onnxruntime", "tf2onnx")  # of the dependency group export
MAX_DIFFERENCE = 1e-5  # of a probability
CHECKED = 64  # training photos
ONNX, REASON = "model.onnx", "reason.txt"  # in a zip, for its checksum: one of them


class OnnxModel:
    """A model in ONNX Runtime, with what ``predict_outputs`` uses of a Keras model."""

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
    path = EXPORTS / f"{key}.zip"
    trained = None
    if not (path.exists() and is_intact_zip(path)):
        trained = file.load(settings)
        try:
            write_export(trained, path)
        except (OSError, MemoryError) as error:  # such as a project that one may only read
            logger.debug("cannot keep an export: %s", error)
            return trained
    with suppress(OSError):
        os.utime(path)  # those used last are kept
    with ZipFile(path) as archive:
        if REASON in archive.namelist():
            logger.info("TensorFlow predicts with %s: %s", file.name, archive.read(REASON).decode())
            return trained or file.load(settings)
        model = OnnxModel(archive.read(ONNX))
    calibration = trained.calibration if trained else file.calibrate(settings)
    return TrainedModel(file.name, model, file.class_names, calibration, image_fit=file.image_fit)


def is_exportable(file: ModelFile) -> bool:
    """Return whether ONNX Runtime is there and may give the same answers: in float32, and on a CPU."""
    try:
        half_precision = b'"mixed_' in ZipFile(BytesIO(file.content)).read("config.json")
    except DAMAGED_NPZ:  # which `load` explains
        return False
    return not half_precision and not gpu_devices() and all(any(distributions(name=package)) for package in PACKAGES)


def write_export(trained: TrainedModel, path: Path) -> None:
    """Export a model and compare it; if it cannot be exported or answers otherwise, write the reason instead."""
    from commands.export.exporters import FORMATS, write_model

    try:
        pixels = training_pixels(trained, CHECKED)
    except UserError:  # a model without its photos
        pixels = noise(trained)
    description = f"exporting {trained.name} to ONNX (once)"
    with atomic_write(path) as unfinished, tqdm(desc=description, bar_format="{desc} {elapsed}", disable=None):
        onnx = unfinished.with_name(ONNX)
        model = trained.with_features or trained.model
        try:
            write_model(model, FORMATS["onnx"], onnx)
            exported, expected = (
                trained.calibration.probabilities(predict_outputs(each, pixels).logits)
                for each in (OnnxModel(onnx.read_bytes()), model)
            )
            fidelity = measure_fidelity(exported, expected)
            differs = not fidelity.largest_difference <= MAX_DIFFERENCE  # or NaN
            reason = f"its ONNX export gives {fidelity}" if differs else ""
        except (OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 (whatever an exporter fails at, TensorFlow predicts)
            reason = f"it cannot be exported to ONNX ({first_line(error)})"
        with ZipFile(unfinished, "w") as archive:
            if reason:
                archive.writestr(REASON, reason)
            else:
                archive.write(onnx, ONNX)
    for old in sorted(EXPORTS.glob("*.zip"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
