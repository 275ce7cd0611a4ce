"""Export a trained model as a SavedModel, for TensorFlow Lite or as ONNX, and check that it is still the same model.

Reads ``data/models/MODEL.keras`` and ``.json``, and a few photos of the validation list. Writes into a new folder the
model, ``MODEL.tflite``, ``MODEL.onnx`` or the folder ``MODEL``, and beside it ``MODEL.json``: its classes and image
size, what it takes and gives. An export computes in float32, whatever the model was trained in.

    python -m stages.export --model cnn --format onnx exported/
"""

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.special import softmax

from stages.common.files import write_json
from stages.common.paths import SPLITS
from stages.common.program import NO_SPACE, UserError, run
from stages.export.formats import FORMATS, check_packages, in_float32, write_model
from stages.inference.model import predict_probabilities
from stages.photos.decode import resized_pixels
from stages.photos.lists import read_split
from stages.predict.model_file import TrainedModel, load_trained_model

logger = logging.getLogger(__name__)

PHOTOS = 16  # to check an export on
MAX_DIFFERENCE = 1e-3  # of a probability


def main() -> None:
    args = parse_arguments()
    check_packages(args.format)
    check_empty(args.folder)
    trained = load_trained_model(args.model)
    pixels = photos_to_check_on(trained.image_size)
    with filling(args.folder) as folder:
        path = folder / f"{trained.name}{FORMATS[args.format].suffix}"
        model = in_float32(trained.model)
        write_model(model, args.format, path)
        write_json(describe(trained, args.format), folder / f"{trained.name}.json")
        probabilities = predict_probabilities(model, pixels, len(pixels))
        difference = largest_difference(probabilities, args.format, path, pixels)
        if not difference <= MAX_DIFFERENCE:
            raise UserError(
                f"expected the export's probabilities within {MAX_DIFFERENCE:g} of the model's, received a difference "
                f"of {difference:.2g} on {len(pixels)} photos: try another --format"
            )
    logger.info("wrote %s", args.folder / path.name)
    logger.info("largest difference of a probability on %d photos: %.2g", len(pixels), difference)
    half = {layer.compute_dtype for layer in trained.model.layers} - {"float32"}
    if half:
        own = predict_probabilities(trained.model, pixels, len(pixels))
        rounding = np.abs(probabilities - own).max()
        logger.info(
            "%s computes in %s, the export in float32: rounding moves a probability by %.2g at most there",
            trained.name,
            half.pop(),
            rounding,
        )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stages.export", description="Export a trained model.")
    parser.add_argument("--model", help="one of data/models/ (default: the best on validation)")
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    return parser.parse_args()


def check_empty(folder: Path) -> None:
    """Raise UserError where a folder to be filled already holds something, or is none."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"expected a new or empty folder, received {folder}, which holds something: choose another")


def photos_to_check_on(image_size: tuple[int, int]) -> np.ndarray:
    """Decode a few photos of the validation list, evenly spread; where there are none, draw noise.

    They are not of the test list, which only ``evaluate`` reads.

    Returns:
        uint8 in 0..255, shaped (photos, height, width, 3).
    """
    photos = list(read_split("validation")["path"]) if (SPLITS / "validation.csv").exists() else []
    chosen = [photos[number] for number in np.linspace(0, len(photos) - 1, min(PHOTOS, len(photos))).astype(int)]
    if chosen and all(Path(path).exists() for path in chosen):
        return np.stack([resized_pixels(path, image_size) for path in chosen])
    logger.warning("found no photos of the validation list: checking on %d pictures of noise", PHOTOS)
    return np.random.default_rng(0).integers(0, 256, (PHOTOS, *image_size, 3), np.uint8)


def largest_difference(expected: np.ndarray, format_name: str, path: Path, pixels: np.ndarray) -> float:
    """Run the exported model, and compare its probabilities with those ``expected``; NaN if either has any."""
    logits = FORMATS[format_name].run(path, pixels.astype(np.float32))
    return float(np.abs(softmax(logits.astype(np.float64), axis=1) - expected).max())


def describe(trained: TrainedModel, format_name: str) -> dict[str, Any]:
    """Tell who loads the file what it takes and gives."""
    height, width = trained.image_size
    return {
        "classes": trained.class_names,
        "image_size": [height, width],
        "input": {
            "name": "pixels",
            "shape": [None, height, width, 3],
            "dtype": "float32",
            "about": "RGB of 0..255, photos upright, resized bilinearly without regard to their shape",
        },
        "output": {
            "name": FORMATS[format_name].output,
            "shape": [None, len(trained.class_names)],
            "dtype": "float32",
            "about": "logits in the order of classes: softmax gives probabilities",
        },
    }


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Give a folder to write to, and put it in the place of ``folder``, new or empty, when it is whole."""
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".unfinished-", dir=folder.parent) as beside:
            unfinished = Path(beside, folder.name)
            unfinished.mkdir()
            yield unfinished
            unfinished.replace(folder)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise
        raise UserError(f"expected to write {folder}, received: {error}: choose another folder") from error


if __name__ == "__main__":
    run(main)
