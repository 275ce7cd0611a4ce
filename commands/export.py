"""Export a trained model as a SavedModel, for TensorFlow Lite or as ONNX, and check that it predicts the same.

Reads ``data/models/MODEL.keras`` and ``.json``, and some photos of the validation list. Writes into a new folder the
model, ``MODEL.tflite``, ``MODEL.onnx`` or the folder ``MODEL``, and beside it ``MODEL.json``: its classes, its image
size, its input and its output. An export computes in float32, whatever precision the model was trained in.

    python -m commands.export --model cnn --format onnx exported/
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np

from commands.export_formats import FORMATS, Format, check_packages, in_float32, write_model
from stages.common.cli import UserError, command_parser, explain_unwritable, run
from stages.common.params import load_params
from stages.inference.logits import predict_logits
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.photos.decode import REDUCING_GAP, UnreadablePhotoError, resized_pixels
from stages.storage.files import atomic_folder, write_json
from stages.storage.photo_lists import read_split

logger = logging.getLogger(__name__)

PHOTOS = 16  # on which an export is checked
MAX_DIFFERENCE = 1e-3  # of a probability


def main() -> None:
    args = parse_arguments()
    target = FORMATS[args.format]
    check_packages(args.format)
    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        raise UserError(f"expected a new or empty folder, received {args.folder}, which is neither: choose another")
    trained = fetch_model_file(args.model).load(load_params().confidence)
    pixels = validation_pixels(trained.image_size)
    model = in_float32(trained.model)
    probabilities = trained.confidence.probabilities(predict_logits(model, pixels))
    with explain_unwritable(args.folder, "folder"), atomic_folder(args.folder) as folder:
        path = folder / f"{trained.name}{target.suffix}"
        write_model(model, target, path)
        write_json(describe(trained, target), folder / f"{trained.name}.json")
        exported = trained.confidence.probabilities(target.run(path, pixels.astype(np.float32)))
        difference = check_probabilities(exported, probabilities)
    logger.info("wrote %s", args.folder / path.name)
    logger.info("largest difference of a probability on %d photos: %.2g", len(pixels), difference)
    log_rounding(trained, pixels, probabilities)


def parse_arguments() -> argparse.Namespace:
    parser = command_parser("Export a trained model for programs without Keras.")
    parser.add_argument("--model", help="a model in data/models/ (default: the best on the validation photos)")
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new or empty folder")
    return parser.parse_args()


def validation_pixels(image_size: tuple[int, int]) -> np.ndarray:
    """Decode a few photos from all over the validation list (the test list is for ``evaluate``), or else draw noise.

    Returns:
        uint8 in 0..255, shaped (photos, height, width, 3).
    """
    try:
        paths = read_split("validation")["path"]
        chosen = np.linspace(0, len(paths) - 1, min(PHOTOS, len(paths))).astype(int)
        return np.stack([resized_pixels(path, image_size) for path in paths.iloc[chosen]])
    except (UserError, UnreadablePhotoError) as error:
        logger.warning("checking on %d images of noise instead of validation photos: %s", PHOTOS, error)
        return np.random.default_rng(0).integers(0, 256, (PHOTOS, *image_size, 3), np.uint8)


def check_probabilities(probabilities: np.ndarray, expected: np.ndarray) -> float:
    """Compare an export's probabilities with the expected ones, both shaped (photos, classes).

    Returns:
        The largest difference of a probability.

    Raises:
        UserError: It is above ``MAX_DIFFERENCE``, or NaN.
    """
    difference = float(np.abs(probabilities - expected).max())
    if not difference <= MAX_DIFFERENCE:
        raise UserError(
            f"expected the export's probabilities within {MAX_DIFFERENCE:g} of the model's, received a difference "
            f"of {difference:.2g} on {len(expected)} photos: try another --format"
        )
    return difference


def describe(trained: TrainedModel, target: Format) -> dict[str, Any]:
    """Describe the input and the output of an export for programs that load it, with Python that makes the input."""
    height, width = trained.image_size
    temperature = trained.confidence.temperature
    return {
        "classes": trained.class_names,
        "image_size": trained.image_size,
        "input": {
            "name": "pixels",
            "shape": [None, *trained.image_size, 3],
            "dtype": "float32",
            "about": "RGB of 0..255 of a photo turned upright (EXIF), on white where it is transparent, and resized in "
            "8 bits as Pillow's BILINEAR does, ignoring the aspect ratio. It is antialiased: shrinking a photo by "
            "bilinear interpolation without antialiasing gives other pixels. "
            "The example is for photos of 8 bits per colour",
            "example": [
                "import numpy as np",
                "from PIL import Image, ImageOps",
                "photo = Image.open(path)",
                f"photo.draft(None, {(REDUCING_GAP * max(height, width),) * 2})  # a large JPEG is decoded smaller",
                "photo = ImageOps.exif_transpose(photo)",
                "if photo.has_transparency_data:",
                "    transparent = photo.convert('RGBA')",
                "    photo = Image.new('RGB', photo.size, 'white')",
                "    photo.paste(transparent, mask=transparent)",
                f"photo = photo.convert('RGB').resize({(width, height)}, Image.Resampling.BILINEAR)",
                "pixels = np.asarray(photo, np.float32)[None]  # a batch of one",
            ],
        },
        "output": {
            "name": target.output,
            "shape": [None, len(trained.class_names)],
            "dtype": "float32",
            "about": "logits in the order of classes: "
            + (f"softmax(logits / {temperature})" if temperature else "softmax")
            + " gives probabilities",
        },
    }


def log_rounding(trained: TrainedModel, pixels: np.ndarray, probabilities: np.ndarray) -> None:
    """Of a model that computes in half precision, log how far its probabilities are from those in float32."""
    half = {layer.compute_dtype for layer in trained.model.layers} - {"float32"}
    if half:
        rounded = trained.confidence.probabilities(predict_logits(trained.model, pixels))
        rounding = np.abs(rounded - probabilities).max()
        message = "%s computes in %s, the export in float32: rounding changes a probability by %.2g at most"
        logger.info(message, trained.name, half.pop(), rounding)


if __name__ == "__main__":
    run(main)
