"""Write a Keras model in another format, and run what was written: a writer and a reader for each format.

All three writers are Keras's own. A reader calls the file as its users do, and gives back logits.
"""

import importlib.util
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stages.common.program import UserError
from stages.models.runtime import keras, tf

Reader = Callable[[Path, np.ndarray], np.ndarray]


def run_saved_model(path: Path, pixels: np.ndarray) -> np.ndarray:
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.asarray(signature(pixels=tf.constant(pixels))["output_0"])


def run_tflite(path: Path, pixels: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter  # of the group export, as what follows

    signature = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    return np.asarray(signature(pixels=pixels)["output_0"])


def run_onnx(path: Path, pixels: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([FORMATS["onnx"].output], {"pixels": pixels})[0])


class Format(NamedTuple):
    keras_name: str
    suffix: str  # "" for a folder
    packages: tuple[str, ...]  # modules of the dependency group export that it needs
    run: Reader  # from a path and float32 pixels of 0..255, (batch, height, width, 3), to logits, (batch, classes)
    output: str  # the name that the file gives its logits


FORMATS = {
    "saved_model": Format("tf_saved_model", "", (), run_saved_model, "output_0"),
    "tflite": Format("litert", ".tflite", ("ai_edge_litert",), run_tflite, "output_0"),
    "onnx": Format("onnx", ".onnx", ("tf2onnx", "onnx", "onnxruntime"), run_onnx, "Identity:0"),
}


def check_packages(format_name: str) -> None:
    """Raise UserError where a package that the format needs is not installed."""
    missing = [name for name in FORMATS[format_name].packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"--format {format_name}: expected the packages of the group export, found no {', '.join(missing)}: "
            "pip install --constraint constraints.txt --group export"
        )


def in_float32(model: keras.Model) -> keras.Model:
    """Copy a model so that it computes in float32 throughout; bfloat16 convolutions only TensorFlow itself runs."""

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    copied = keras.models.clone_model(model, clone_function=copy, recursive=True)
    copied.set_weights(model.get_weights())
    return copied


def write_model(model: keras.Model, format_name: str, path: Path) -> None:
    """Write what a model of float32 layers computes when it predicts, for batches of any length."""
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it tells of each step
    with warnings.catch_warnings():
        # Keras asks NumPy 2 for a name that it is about to change, so that tf2onnx finds it.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        fixed_to_predicting(model).export(
            str(path),
            format=FORMATS[format_name].keras_name,
            input_signature=[tf.TensorSpec(model.input_shape, tf.float32, "pixels")],
            verbose=False,
        )


def fixed_to_predicting(model: keras.Model) -> Any:
    """Fix the model to predicting.

    Keras's exporters leave that open, and layers that behave otherwise in training may take it for training.
    """
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    return keras.Model(pixels, model(pixels, training=False))
