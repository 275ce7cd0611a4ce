"""Export a trained model as a SavedModel, for TensorFlow Lite or as ONNX, and check that it predicts the same.

Reads ``data/models/MODEL.keras`` and ``.json``, and some photos of the validation list. Writes into a new folder the
model, ``MODEL.tflite``, ``MODEL.onnx`` or the folder ``MODEL``, and beside it ``MODEL.json``: its classes, its image
size and fit, its input and its output. An export computes in float32, whatever precision the model was trained in.

    python -m commands.export --model cnn --format onnx exported/
"""

import argparse
import importlib.util
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stages.common.cli import UserError, command_parser, explain_unwritable, run
from stages.common.param_types import ImageFit
from stages.common.params import load_params
from stages.inference.logits import predict_outputs
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.models.pretrained import copy_weights
from stages.models.runtime import keras, tf
from stages.photos.decode import PAD_COLOUR, UnreadablePhotoError, resized_pixels
from stages.storage.files import atomic_folder, write_json
from stages.storage.photo_lists import read_split

logger = logging.getLogger(__name__)

PHOTOS = 16  # on which an export is checked
MAX_DIFFERENCE = 1e-3  # of a probability
SHAPES: dict[ImageFit, str] = {
    "stretch": "ignoring the aspect ratio",
    "crop": "the largest rectangle of image_size's aspect ratio at the centre (ImageOps.fit)",
    "pad": f"the whole photo, centred on RGB {PAD_COLOUR} (ImageOps.pad)",
}


class Format(NamedTuple):
    """A format, and how its users run an export: ``run`` takes its path and pixels, and returns its logits.

    Pixels are float32 in 0..255, shaped (batch, height, width, 3); logits float32, shaped (batch, classes).
    """

    keras_name: str
    suffix: str  # "" for a folder
    packages: tuple[str, ...]  # modules of the dependency group export that it needs
    run: Callable[[Path, np.ndarray], np.ndarray]
    output: str  # the name of the logits in the file


def main() -> None:
    args = parse_arguments()
    target = FORMATS[args.format]
    check_packages(args.format)
    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        raise UserError(f"expected a new or empty folder, received {args.folder}, which is neither: choose another")
    trained = fetch_model_file(args.model).load(load_params().confidence)
    pixels = validation_pixels(trained.image_size, trained.image_fit)
    model = in_float32(trained.model)
    probabilities = trained.confidence.probabilities(predict_outputs(model, pixels).logits)
    with explain_unwritable(args.folder, "folder"), atomic_folder(args.folder) as folder:
        path = folder / f"{trained.name}{target.suffix}"
        write_model(model, target, path)
        write_json(describe(trained, target), folder / f"{trained.name}.json")
        exported = trained.confidence.probabilities(target.run(path, pixels.astype(np.float32)))
        difference = check_probabilities(exported, probabilities)
    logger.info("wrote %s", args.folder / path.name)
    logger.info("largest difference of a probability on %d photos: %.2g", len(pixels), difference)
    if half := {layer.compute_dtype for layer in trained.model.layers} - {"float32"}:
        rounded = trained.confidence.probabilities(predict_outputs(trained.model, pixels).logits)
        message = "%s computes in %s, the export in float32: rounding changes a probability by %.2g at most"
        logger.info(message, trained.name, half.pop(), np.abs(rounded - probabilities).max())


def parse_arguments() -> argparse.Namespace:
    parser = command_parser("Export a trained model for programs without Keras.")
    parser.add_argument("--model", help="a model in data/models/ (default: the best on the validation photos)")
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new or empty folder")
    return parser.parse_args()


def check_packages(name: str) -> None:
    """Raise UserError if a package that a format needs is not installed."""
    missing = [package for package in FORMATS[name].packages if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(
            f"--format {name}: expected the packages of the group export, found no {', '.join(missing)}: "
            "pip install --constraint constraints.txt --group export"
        )


def validation_pixels(image_size: tuple[int, int], image_fit: ImageFit = "stretch") -> np.ndarray:
    """Decode photos evenly spaced in the validation list, or else draw noise: uint8, (photos, height, width, 3)."""
    try:
        paths = read_split("validation")["path"]
        indices = np.linspace(0, len(paths) - 1, min(PHOTOS, len(paths))).astype(int)
        return np.stack([resized_pixels(path, image_size, image_fit) for path in paths.iloc[indices]])
    except (UserError, UnreadablePhotoError) as error:
        logger.warning("checking on %d images of noise instead of validation photos: %s", PHOTOS, error)
        return np.random.default_rng(0).integers(0, 256, (PHOTOS, *image_size, 3), np.uint8)


def in_float32(model: keras.Model) -> keras.Model:
    """Copy a model so that all of it computes in float32: only TensorFlow itself runs bfloat16 convolutions."""

    def copy(operation: keras.Operation) -> keras.Operation:
        if not isinstance(operation, keras.layers.Layer):  # an addition, say: it has no precision of its own
            return operation
        return operation.from_config({**operation.get_config(), "dtype": "float32"})

    copied = keras.models.clone_model(model, clone_function=copy, recursive=True)
    copy_weights(model, copied)
    return copied


def write_model(model: keras.Model, target: Format, path: Path) -> None:
    """Write a model of float32 layers so that it takes batches of any size."""
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it logs each of its steps
    # Keras's exporters do not say that the model is to predict; a layer such as augmentation may take it for training.
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    predicting = keras.Model(pixels, model(pixels, training=False))
    signature = [tf.TensorSpec(model.input_shape, tf.float32, "pixels")]
    with warnings.catch_warnings():
        # Keras uses a name of NumPy's that tf2onnx needs and NumPy is about to change.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        predicting.export(str(path), format=target.keras_name, input_signature=signature, verbose=False)


def describe(trained: TrainedModel, target: Format) -> dict[str, Any]:
    """Describe the input and the output of an export for programs that load it."""
    temperature = trained.confidence.temperature
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


def check_probabilities(probabilities: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of a probability, or raise UserError if it is above ``MAX_DIFFERENCE`` or NaN."""
    difference = float(np.abs(probabilities - expected).max())
    if not difference <= MAX_DIFFERENCE:
        raise UserError(
            f"expected the export's probabilities within {MAX_DIFFERENCE:g} of the model's, received a difference "
            f"of {difference:.2g} on {len(expected)} photos: try another --format"
        )
    return difference


def run_saved_model(path: Path, pixels: np.ndarray) -> np.ndarray:
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.asarray(signature(pixels=tf.constant(pixels))["output_0"])


def run_tflite(path: Path, pixels: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter  # of the dependency group export, as onnxruntime

    signature = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    return np.asarray(signature(pixels=pixels)["output_0"])


def run_onnx(path: Path, pixels: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([FORMATS["onnx"].output], {"pixels": pixels})[0])


FORMATS = {
    "saved_model": Format("tf_saved_model", "", (), run_saved_model, "output_0"),
    "tflite": Format("litert", ".tflite", ("ai_edge_litert",), run_tflite, "output_0"),
    "onnx": Format("onnx", ".onnx", ("tf2onnx", "onnx", "onnxruntime"), run_onnx, "Identity:0"),
}


if __name__ == "__main__":
    run(main)
