"""Let Keras write a model in another format, and run what was written as its users do."""

import importlib.util
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.common.cli import UserError
from stages.models.pretrained import copy_weights
from stages.models.runtime import keras, tf


class Format(NamedTuple):
    """A format to export to. To check an export, ``run`` takes its path and pixels, and gives its logits.

    Pixels are float32 of 0..255, shaped (batch, height, width, 3), and logits float32, shaped (batch, classes).
    """

    keras_name: str
    suffix: str  # "" for a folder
    packages: tuple[str, ...]  # modules of the dependency group export that it needs
    run: Callable[[Path, np.ndarray], np.ndarray]
    output: str  # the name of the logits in the file


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


def check_packages(name: str) -> None:
    """Raise UserError where a package that a format needs is not installed."""
    missing = [package for package in FORMATS[name].packages if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(
            f"--format {name}: expected the packages of the group export, found no {', '.join(missing)}: "
            "pip install --constraint constraints.txt --group export"
        )


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
    with warnings.catch_warnings():
        # Keras uses a name of NumPy's that tf2onnx needs and NumPy is about to change.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        predicting.export(
            str(path),
            format=target.keras_name,
            input_signature=[tf.TensorSpec(model.input_shape, tf.float32, "pixels")],
            verbose=False,
        )
