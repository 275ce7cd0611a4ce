"""Export a trained model as a SavedModel, for TensorFlow Lite or as ONNX, and check it on the validation photos.

Reads ``data/models/MODEL.keras`` and ``.json``, the validation photos, and for int8 some training photos. Writes into a
new folder the model, ``MODEL.tflite``, ``MODEL.onnx`` or the folder ``MODEL``, and beside it ``MODEL.json``: its
classes, its image size and fit, its input and its output, and how it compares with the model. An export computes in
float32, whatever precision the model was trained in, or in the precision that one asks for.

    python -m commands.export --model cnn --format onnx --precision int8 exported/
"""

import argparse
import importlib.util
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.common.cli import UserError, command_parser, explain_unwritable, run
from stages.common.param_types import ImageFit
from stages.common.params import load_params
from stages.inference.logits import predict_outputs
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.models.pretrained import copy_weights
from stages.models.runtime import keras, tf
from stages.photos.decode import PAD_COLOUR, load_pixels
from stages.storage.arrays import ArrayStore
from stages.storage.files import atomic_folder, write_json
from stages.storage.photo_lists import read_split

logger = logging.getLogger(__name__)

NOISE_IMAGES = 16  # on which an export is checked if there are no photos
BATCH_SIZE = 32
MAX_DIFFERENCE = 1e-3  # of a probability, in float32
ADVICE = {
    "float32": "try another --format",
    "float16": "try --precision float32",
    "int8": "try --precision float16, more --calibration-photos, or the other of --format onnx and tflite",
}
SHAPES: dict[ImageFit, str] = {
    "stretch": "ignoring the aspect ratio",
    "crop": "the largest rectangle of image_size's aspect ratio at the centre (ImageOps.fit)",
    "pad": f"the whole photo, centred on RGB {PAD_COLOUR} (ImageOps.pad)",
}


class Format(NamedTuple):
    """A format, and how its users run an export: ``run`` takes its path, and returns a function of pixels to logits.

    Pixels are float32 in 0..255, shaped (batch, height, width, 3); logits float32, shaped (batch, classes).
    """

    keras_name: str
    suffix: str  # "" for a folder
    packages: tuple[str, ...]  # modules of the dependency group export that it needs
    run: Callable[[Path], Callable[[np.ndarray], np.ndarray]]
    output: str  # the name of the logits in the file
    precisions: tuple[str, ...] = ("float32", "float16", "int8")


def main() -> None:
    args = parse_arguments()
    target = FORMATS[args.format]
    if missing := [package for package in target.packages if importlib.util.find_spec(package) is None]:
        raise UserError(
            f"--format {args.format}: expected the packages of the group export, found no {', '.join(missing)}: "
            "pip install --constraint constraints.txt --group export"
        )
    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        raise UserError(f"expected a new or empty folder, received {args.folder}, which is neither: choose another")
    if args.precision not in target.precisions:
        raise UserError(f"--format {args.format}: expected --precision float32, received {args.precision}")
    trained = fetch_model_file(args.model).load(load_params().confidence)
    pixels, labels = validation_photos(trained)
    calibration = training_pixels(trained, args.calibration_photos) if args.precision == "int8" else None
    model = in_float32(trained.model)
    probabilities = trained.calibration.probabilities(predict_outputs(model, pixels).logits)
    with explain_unwritable(args.folder, "folder"), atomic_folder(args.folder) as folder:
        path = folder / f"{trained.name}{target.suffix}"
        write_model(model, target, path, args.precision, calibration)
        logits, milliseconds = run_batches(target.run(path), pixels)
        exported = trained.calibration.probabilities(logits)
        figures = compare_probabilities(exported, probabilities, labels)
        check_figures(figures, args.precision, args.max_accuracy_loss)
        size = sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
        check = {"precision": args.precision, **figures, "megabytes": round(size / 1e6, 2)}
        check["milliseconds_per_photo"] = round(milliseconds, 1)  # on this machine, in batches of BATCH_SIZE
        write_json({**describe(trained, target), "check": check}, folder / f"{trained.name}.json")
    logger.info("wrote %s", args.folder / path.name)
    logger.info("%s, %.1f MB, %.1f ms a photo here", describe_figures(figures), size / 1e6, milliseconds)
    if half := {layer.compute_dtype for layer in trained.model.layers} - {"float32"}:
        rounded = trained.calibration.probabilities(predict_outputs(trained.model, pixels).logits)
        message = "%s computes in %s, the export from float32: rounding changes a probability by %.2g at most"
        logger.info(message, trained.name, half.pop(), np.abs(rounded - probabilities).max())


def parse_arguments() -> argparse.Namespace:
    parser = command_parser("Export a trained model for programs without Keras.")
    parser.add_argument("--model", help="a model in data/models/ (default: the best on the validation photos)")
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--precision", choices=ADVICE, default="float32", help="default: %(default)s")
    loss_help = "on the validation photos, by which an export is refused (default: %(default)s)"
    parser.add_argument("--max-accuracy-loss", type=float, default=0.005, metavar="LOSS", help=loss_help)
    calibration_help = "training photos from which int8 takes the ranges of activations (default: %(default)s)"
    parser.add_argument("--calibration-photos", type=int, default=128, metavar="N", help=calibration_help)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new or empty folder")
    args = parser.parse_args()
    if not 0 <= args.max_accuracy_loss <= 1:
        parser.error(f"--max-accuracy-loss: expected a share of 0 to 1, received {args.max_accuracy_loss}")
    if args.calibration_photos < 1:
        parser.error(f"--calibration-photos: expected at least 1, received {args.calibration_photos}")
    return args


def validation_photos(trained: TrainedModel) -> tuple[ArrayStore, np.ndarray | None]:
    """Return pixels and class indices (-1: no class of the model) of the validation photos, or else noise and None."""
    try:
        photos = read_split("validation")
        pixels = load_pixels(list(photos["path"]), trained.image_size, trained.image_fit)
    except UserError as error:
        logger.warning("checking on %d images of noise instead of validation photos: %s", NOISE_IMAGES, error)
        return noise(trained), None
    return pixels, pd.Index(trained.class_names).get_indexer(pd.Index(photos["label"]))


def noise(trained: TrainedModel) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (NOISE_IMAGES, *trained.image_size, 3), np.uint8)


def training_pixels(trained: TrainedModel, number: int) -> ArrayStore:
    """Return the pixels of a random sample of at most ``number`` training photos."""
    paths = np.random.default_rng(0).permutation(read_split("train")["path"])[:number]
    return load_pixels(list(paths), trained.image_size, trained.image_fit)


def in_float32(model: keras.Model) -> keras.Model:
    """Copy a model so that all of it computes in float32: only TensorFlow itself runs bfloat16 convolutions."""

    def copy(operation: keras.Operation) -> keras.Operation:
        if not isinstance(operation, keras.layers.Layer):  # an addition, say: it has no precision of its own
            return operation
        return operation.from_config({**operation.get_config(), "dtype": "float32"})

    copied = keras.models.clone_model(model, clone_function=copy, recursive=True)
    copy_weights(model, copied)
    return copied


def write_model(
    model: keras.Model, target: Format, path: Path, precision: str = "float32", calibration: ArrayStore | None = None
) -> None:
    """Write a model of float32 layers so that it takes batches of any size; int8 needs pixels of training photos."""
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it logs each of its steps
    # Keras's exporters do not say that the model is to predict; a layer such as augmentation may take it for training.
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    predicting = keras.Model(pixels, model(pixels, training=False))
    signature = [tf.TensorSpec(model.input_shape, tf.float32, "pixels")]
    with warnings.catch_warnings():
        # Keras uses a name of NumPy's that tf2onnx needs and NumPy is about to change.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        options = tflite_options(precision, calibration) if target.keras_name == "litert" else {}
        predicting.export(str(path), format=target.keras_name, input_signature=signature, verbose=False, **options)
    if target.keras_name == "onnx" and precision != "float32":
        reduce_onnx(path, precision, calibration)


def tflite_options(precision: str, calibration: ArrayStore | None) -> dict[str, Any]:
    """Return the converter's attributes; with int8, input and output stay float32."""
    if precision == "float32":
        return {}
    options: dict[str, Any] = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if calibration is None:
        return {**options, "target_spec": {"supported_types": [tf.float16]}}
    return {**options, "representative_dataset": lambda: ([image] for image in float_batches(calibration, 1))}


def reduce_onnx(path: Path, precision: str, calibration: ArrayStore | None) -> None:
    """Convert an ONNX file; input and output stay float32."""
    import onnx  # of the dependency group export

    if calibration is None:
        from onnxruntime.transformers.float16 import convert_float_to_float16

        onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)
        return
    from onnxruntime.quantization import QuantType, quant_pre_process, quantize_static

    batches = ({"pixels": image} for image in float_batches(calibration, 1))
    reader = SimpleNamespace(get_next=lambda: next(batches, None))
    # Fold batch normalization into convolutions: left apart, its factors and sums would be rounded to 8 bits as well.
    quant_pre_process(path, path, skip_symbolic_shape=True)
    logging.disable(logging.INFO)  # it logs each scale that it raises
    try:  # with uint8, which x86 computes in half the time of int8
        quantize_static(path, path, reader, per_channel=True, activation_type=QuantType.QUInt8)
    finally:
        logging.disable(logging.NOTSET)


def float_batches(pixels: ArrayStore, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(pixels), size):
        yield pixels[np.arange(start, min(start + size, len(pixels)))].astype(np.float32)


def run_batches(run: Callable[[np.ndarray], np.ndarray], pixels: ArrayStore) -> tuple[np.ndarray, float]:
    """Return the logits of photos, and the milliseconds that one took."""
    logits, seconds = [], 0.0
    for batch in float_batches(pixels, BATCH_SIZE):
        start = time.perf_counter()
        logits.append(run(batch))
        seconds += time.perf_counter() - start
    return np.concatenate(logits), 1000 * seconds / len(pixels)


def describe(trained: TrainedModel, target: Format) -> dict[str, Any]:
    """Describe the input and the output of an export for programs that load it."""
    temperature = trained.calibration.temperature
    softmax = f"softmax(logits / {temperature})" if temperature else "softmax"
    return {
        "classes": trained.class_names,
        "image_size": trained.image_size,
        "image_fit": trained.image_fit,
        "input": {
            "name": "pixels",
            "shape": [None, *trained.image_size, 3],
            "dtype": "float32",
            "about": "RGB of 0..255 of a photo turned upright (EXIF), on white where it is transparent, and resized in "
            f"8 bits as Pillow's BILINEAR does: {SHAPES[trained.image_fit]}, and with antialiasing, without which the "
            "pixels are others. docs/guide.md has an example",
        },
        "output": {
            "name": target.output,
            "shape": [None, len(trained.class_names)],
            "dtype": "float32",
            "about": f"logits in the order of classes: {softmax} gives probabilities",
        },
    }


def compare_probabilities(
    probabilities: np.ndarray, expected: np.ndarray, labels: np.ndarray | None
) -> dict[str, float]:
    """Compare an export with its model; accuracies only of photos, not of noise."""
    classes, expected_classes = probabilities.argmax(axis=1), expected.argmax(axis=1)
    figures = {
        "photos": len(expected),
        "agreement": round(float((classes == expected_classes).mean()), 6),
        "largest_difference": float(f"{np.abs(probabilities - expected).max():.3g}"),  # of a probability
    }
    if labels is None:
        return figures
    model_accuracy, accuracy = ((predicted == labels).mean() for predicted in (expected_classes, classes))
    return {**figures, "model_accuracy": round(float(model_accuracy), 6), "accuracy": round(float(accuracy), 6)}


def check_figures(figures: dict[str, float], precision: str, max_accuracy_loss: float) -> None:
    """Raise UserError if an export differs too much from its model, or computes NaN."""
    loss = figures.get("model_accuracy", 0) - figures.get("accuracy", 0)
    difference = figures["largest_difference"]
    if np.isnan(difference) or (precision == "float32" and difference > MAX_DIFFERENCE):
        expected = f"probabilities within {MAX_DIFFERENCE:g} of the model's"
    elif round(loss, 6) > max_accuracy_loss:
        expected = f"an accuracy at most {max_accuracy_loss:g} below the model's"
    elif precision != "float32" and "accuracy" not in figures:
        expected = "validation photos to judge it on"
    else:
        return
    raise UserError(f"{precision}: expected {expected}, received {describe_figures(figures)}: {ADVICE[precision]}")


def describe_figures(figures: dict[str, float]) -> str:
    accuracy = ""
    if "accuracy" in figures:
        accuracy = f"accuracy {figures['accuracy']:.4f} (the model's: {figures['model_accuracy']:.4f}), "
    return (
        f"{accuracy}the model's class for {figures['agreement']:.2%} of {figures['photos']} photos, "
        f"probabilities within {figures['largest_difference']:.2g}"
    )


def run_saved_model(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    return lambda pixels: np.asarray(signature(pixels=tf.constant(pixels))["output_0"])


def run_tflite(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter  # of the dependency group export, as onnxruntime

    signature = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    return lambda pixels: np.asarray(signature(pixels=pixels)["output_0"])


def run_onnx(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: np.asarray(session.run([FORMATS["onnx"].output], {"pixels": pixels})[0])


FORMATS = {
    "saved_model": Format("tf_saved_model", "", (), run_saved_model, "output_0", ("float32",)),
    "tflite": Format("litert", ".tflite", ("ai_edge_litert",), run_tflite, "output_0"),
    "onnx": Format("onnx", ".onnx", ("tf2onnx", "onnx", "onnxruntime"), run_onnx, "Identity:0"),
}


if __name__ == "__main__":
    run(main)
