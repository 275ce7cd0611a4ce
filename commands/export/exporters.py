"""Formats of exports: how a model is written in each, and how its users run it."""

import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from stages.common.cli import UserError
from stages.models.pretrained import copy_weights
from stages.models.runtime import keras, tf
from stages.storage.arrays import ArrayStore

PRECISIONS = ("float32", "float16", "int8")


class Format(NamedTuple):
    """A format, and how its users run an export: ``run`` takes its path, and returns a function of pixels to logits.

    Pixels are float32 in 0..255, shaped (batch, height, width, 3); logits float32, shaped (batch, classes).
    """

    keras_name: str
    suffix: str  # "" for a folder
    packages: tuple[str, ...]  # modules of the dependency group export that it needs
    run: Callable[[Path], Callable[[np.ndarray], np.ndarray]]
    output: str  # the name of the logits in the file
    precisions: tuple[str, ...] = PRECISIONS


def in_float32(model: keras.Model) -> keras.Model:
    """Copy a model so that all of it computes in float32: only TensorFlow itself runs bfloat16 convolutions."""

    def copy(operation: keras.Operation) -> keras.Operation:
        if not isinstance(operation, keras.layers.Layer):  # an addition, say: it has no precision of its own
            return operation
        return operation.from_config({**operation.get_config(), "dtype": "float32"})

    copied = keras.models.clone_model(model, clone_function=copy, recursive=True)
    copy_weights(model, copied)
    return copied


def with_arrays(model: keras.Model) -> keras.Model:
    """Copy a model, sharing its layers, with arrays in place of the tensors that its operations hold.

    Those in the preprocessing of ResNet, VGG and DenseNet would become inputs of an ONNX file.
    """

    def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        inputs = keras.tree.map_structure(lambda each: np.asarray(each) if tf.is_tensor(each) else each, (args, kwargs))
        return operation(*inputs[0], **inputs[1])

    return keras.models.clone_model(model, clone_function=lambda each: each, call_function=call, recursive=True)


def write_model(
    model: keras.Model, target: Format, path: Path, precision: str = "float32", int8_pixels: ArrayStore | None = None
) -> None:
    """Write a model of float32 layers so that it takes batches of any size; int8 needs pixels of training photos.

    Its input and its output are float32 in any precision.
    """
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # it logs each of its steps, and each layer that it leaves
    # Keras's exporters do not say that the model is to predict; a layer such as augmentation may take it for training.
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    predicting = with_arrays(keras.Model(pixels, model(pixels, training=False)))
    for layer in predicting._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):  # likewise
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    signature = [tf.TensorSpec(model.input_shape, tf.float32, "pixels")]
    options: dict[str, Any] = {}  # of TensorFlow Lite's converter, its attributes
    if target.keras_name == "litert" and precision != "float32":
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
        if int8_pixels is None:
            options["target_spec"] = {"supported_types": [tf.float16]}
        else:
            options["representative_dataset"] = lambda: ([image] for image in float_batches(int8_pixels, 1))
    with warnings.catch_warnings():
        # Keras uses a name of NumPy's that tf2onnx needs and NumPy is about to change.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        predicting.export(str(path), format=target.keras_name, input_signature=signature, verbose=False, **options)
    if target.keras_name == "onnx":
        check_operators(path)
        if precision != "float32":
            reduce_onnx(path, int8_pixels)


def check_operators(path: Path) -> None:
    """Raise a UserError for an ONNX file with TensorFlow's operators, which tf2onnx leaves where it knows no other."""
    import onnx  # of the dependency group export

    unknown = {node.op_type for node in onnx.load(path).graph.node if not onnx.defs.has(node.op_type, node.domain)}
    if unknown:
        advice = "choose --format tflite or saved_model"
        raise UserError(f"expected layers that tf2onnx converts, received {', '.join(sorted(unknown))}: {advice}")


def reduce_onnx(path: Path, int8_pixels: ArrayStore | None) -> None:
    """Convert an ONNX file to float16 or, with pixels to calibrate it, to int8."""
    import onnx  # of the dependency group export

    if int8_pixels is None:
        from onnxruntime.transformers.float16 import convert_float_to_float16

        onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)
        return
    from onnxruntime.quantization import QuantType, quant_pre_process, quantize_static

    batches = ({"pixels": image} for image in float_batches(int8_pixels, 1))
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
