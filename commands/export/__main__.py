"""Export a trained model as a SavedModel, for TensorFlow Lite or as ONNX, and check it on the validation photos.

Reads ``data/models/MODEL.keras`` and ``.json``, the validation photos, and for int8 some training photos. Writes into a
new folder the model, ``MODEL.tflite``, ``MODEL.onnx`` or the folder ``MODEL``, and beside it ``MODEL.json``: its
classes, its image size and fit, its input and its output, and how it compares with the model. An export computes in
``--precision``, by default float32, whatever precision the model was trained in.

    python -m commands.export --model cnn --format onnx --precision int8 exported/
"""

import argparse
import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np

from commands.export.exporters import FORMATS, PRECISIONS, Format, float_batches, in_float32, write_model
from commands.export.fidelity import measure_fidelity, training_pixels, validation_photos
from stages.common.cli import UserError, check_output, command_parser, explain_unwritable, logger, run
from stages.common.param_types import ImageFit
from stages.common.params import load_params
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.inference.prediction import predict_outputs
from stages.photos.decode import PAD_COLOUR
from stages.storage.files import atomic_folder, write_json

BATCH_SIZE = 32
CALIBRATION_PHOTOS = 128
RESIZED: dict[ImageFit, str] = {
    "stretch": "ignoring the aspect ratio",
    "crop": "the largest rectangle of image_size's aspect ratio at the centre (ImageOps.fit)",
    "pad": f"the whole photo, centred on RGB {PAD_COLOUR} (ImageOps.pad)",
}


def main() -> None:
    args = parse_arguments()
    target = FORMATS[args.format]
    trained = fetch_model_file(args.model).load(load_params().confidence)
    pixels, labels = validation_photos(trained)
    int8_pixels = training_pixels(trained, args.calibration_photos) if args.precision == "int8" else None
    model = in_float32(trained.model)
    probabilities = trained.calibration.probabilities(predict_outputs(model, pixels).logits)
    with explain_unwritable(args.folder, "folder"), atomic_folder(args.folder) as folder:
        path = folder / f"{trained.name}{target.suffix}"
        write_model(model, target, path, args.precision, int8_pixels)
        run_export, start = target.run(path), time.perf_counter()
        logits = np.concatenate([run_export(batch) for batch in float_batches(pixels, BATCH_SIZE)])
        milliseconds = 1000 * (time.perf_counter() - start) / len(pixels)
        fidelity = measure_fidelity(trained.calibration.probabilities(logits), probabilities, labels)
        fidelity.check(args.precision, args.max_accuracy_loss)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        check = {
            "precision": args.precision,
            **fidelity._asdict(),
            "megabytes": round(size / 1e6, 2),
            "milliseconds_per_photo": round(milliseconds, 1),  # on this machine, in batches of BATCH_SIZE
        }
        write_json({**describe(trained, target), "check": check}, folder / f"{trained.name}.json")
    logger.info("wrote %s", args.folder / path.name)
    logger.info("%s, %.1f MB, %.1f ms a photo here", fidelity, size / 1e6, milliseconds)
    if half := {layer.compute_dtype for layer in trained.model.layers} - {"float32"}:
        rounded = trained.calibration.probabilities(predict_outputs(trained.model, pixels).logits)
        message = "%s computes in %s, the export from float32: rounding changes a probability by %.2g at most"
        logger.info(message, trained.name, half.pop(), np.abs(rounded - probabilities).max())


def parse_arguments() -> argparse.Namespace:
    parser = command_parser("Export a trained model for programs without Keras.")
    parser.add_argument("--model", help="a model in data/models/ (default: the best on the validation photos)")
    parser.add_argument("--format", choices=FORMATS, required=True, help="of the exported file")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="of weights (default: %(default)s)")
    loss_help = "refuse an export that loses more, on the validation photos (default: %(default)s)"
    parser.add_argument("--max-accuracy-loss", type=float, default=0.005, metavar="LOSS", help=loss_help)
    calibration_help = f"number of training photos to calibrate int8 with (default: {CALIBRATION_PHOTOS})"
    parser.add_argument("--calibration-photos", type=int, metavar="N", help=calibration_help)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write: a new or empty folder")
    args = parser.parse_args()
    if not 0 <= args.max_accuracy_loss <= 1:
        parser.error(f"--max-accuracy-loss: expected a share of 0 to 1, received {args.max_accuracy_loss}")
    if args.calibration_photos is None:
        args.calibration_photos = CALIBRATION_PHOTOS
    elif args.calibration_photos < 1:
        parser.error(f"--calibration-photos: expected at least 1, received {args.calibration_photos}")
    elif args.precision != "int8":
        parser.error(f"--calibration-photos: expected --precision int8 beside it, received {args.precision}")
    target = FORMATS[args.format]
    if args.precision not in target.precisions:
        parser.error(f"--format {args.format}: expected --precision float32, received {args.precision}")
    if missing := [package for package in target.packages if importlib.util.find_spec(package) is None]:
        raise UserError(
            f"--format {args.format}: expected the packages of the group export, found no {', '.join(missing)}: "
            "pip install --constraint constraints.txt --group export"
        )
    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        raise UserError(f"expected a new or empty folder, received {args.folder}, which is neither: choose another")
    check_output(args.folder, "folder")  # before the model is loaded
    return args


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
            f"8 bits as Pillow's BILINEAR does: {RESIZED[trained.image_fit]}, and with antialiasing, without which the "
            "pixels are others. docs/guide.md has an example",
        },
        "output": {
            "name": target.output,
            "shape": [None, len(trained.class_names)],
            "dtype": "float32",
            "about": f"logits in the order of classes: {softmax} gives probabilities",
        },
    }


if __name__ == "__main__":
    run(main)
