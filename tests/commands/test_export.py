"""Exporting a small model with random weights."""

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from PIL import ExifTags, Image

from commands.export import __main__ as command
from commands.export.exporters import FORMATS, in_float32, write_model
from commands.export.fidelity import Fidelity, measure_fidelity, training_pixels, validation_photos
from stages.common.cli import UserError
from stages.common.param_types import ImageFit
from stages.common.params import load_params
from stages.inference.calibration import fit_calibration, read_validation
from stages.inference.model_file import TrainedModel
from stages.inference.prediction import load_model
from stages.models.runtime import keras
from stages.photos.decode import PAD_COLOUR, resized_pixels
from stages.storage.files import write_json
from tests.commands.small_model import SIZE, save_small_model
from tests.conftest import PROJECT, SetParams, read_json, run_main, write_list, write_photos

MODEL = Path("data/models/small.keras")
PHOTOS = [f"photos/{number}.jpg" for number in range(20)]
TRAINED = TrainedModel("small", SimpleNamespace(input_shape=(None, *SIZE, 3)), ["cats", "dogs"])
Export = Callable[..., None]


@pytest.fixture
def export(workspace: Path) -> Export:
    """Run the command in a workspace with the model "small" and 20 validation photos."""
    save_small_model("small", ["cats", "dogs"])
    write_photos(Path("photos"), len(PHOTOS))
    for split in ("train", "validation"):
        write_list(split, path=PHOTOS, label="cats")

    def call(*arguments: str) -> None:
        run_main(command, "--model", "small", *arguments)

    return call


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_described_and_checked(export: Export, caplog: pytest.LogCaptureFixture, name: str) -> None:
    written = {"saved_model": "small", "tflite": "small.tflite", "onnx": "small.onnx"}[name]
    export("--format", name, "out/deep")
    assert {path.name for path in Path("out/deep").iterdir()} == {written, "small.json"}
    assert [path.name for path in Path("out").iterdir()] == ["deep"]
    assert f"wrote out/deep/{written}" in caplog.messages
    assert "of 20 photos" in caplog.text
    assert "rounding" not in caplog.text

    about = read_json("out/deep/small.json")
    assert (about["classes"], about["image_size"]) == (["cats", "dogs"], [24, 32])
    assert (about["input"]["shape"], about["input"]["dtype"]) == ([None, 24, 32, 3], "float32")
    assert (about["output"]["shape"], about["output"]["name"]) == ([None, 2], FORMATS[name].output)
    check = about["check"]
    assert (check["precision"], check["photos"], check["agreement"]) == ("float32", 20, 1)
    assert check["largest_difference"] < 1e-5
    assert check["accuracy"] == check["model_accuracy"]


def test_the_guide_s_lines_run_a_saved_model(export: Export) -> None:
    """TensorFlow deletes the variables of a model that nothing refers to."""
    export("--format", "saved_model", "exported")
    guide = (PROJECT / "docs/guide.md").read_text().replace("transfer", "small")
    [lines] = re.findall(r"`(.*tensorflow\.saved_model\.load.*)`, then `(.*?)`", guide)
    pixels = np.full((2, *SIZE, 3), 90, np.float32)
    used: dict[str, Any] = {"pixels": pixels}
    exec(f"import tensorflow\n{lines[0]}\nlogits = {lines[1]}", used)  # noqa: S102 (the guide's)
    np.testing.assert_allclose(used["logits"], load_model(MODEL)(pixels), atol=1e-5)


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_a_smaller_export_is_compared_with_its_model(
    export: Export, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    save_small_model("small", ["cats", "dogs"], dense_units=64)  # most of the file are weights
    sizes = {}
    for precision in ("float32", "float16", "int8"):
        export("--format", name, "--precision", precision, precision, "--max-accuracy-loss", "0.1")
        sizes[precision] = next(Path(precision).glob("small.[ot]*")).stat().st_size
        check = read_json(Path(precision, "small.json"))["check"]
        assert f"wrote {precision}/small.{name}" in caplog.text
        assert (check["precision"], check["photos"]) == (precision, 20)
        assert check["agreement"] >= 0.9
        assert (0 if precision == "float32" else 1e-6) < check["largest_difference"] < 0.05
    assert sizes["float16"] < sizes["float32"] / 1.8
    assert sizes["int8"] < sizes["float32"] / 2.5


@pytest.mark.usefixtures("workspace")
def test_int8_folds_batch_normalization(caplog: pytest.LogCaptureFixture) -> None:
    """Its factors and sums are no operations of their own, whose results would be rounded to 8 bits."""
    import onnx

    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.DepthwiseConv2D(3), layers.BatchNormalization()])
    model.layers[1].set_weights([np.full(3, value) for value in (3, 5, 7, 9)])
    write_model(model, FORMATS["onnx"], Path("small.onnx"), "int8", np.full((2, 8, 8, 3), 90, np.uint8))
    operations = {node.op_type for node in onnx.load("small.onnx").graph.node}
    assert "Conv" in operations
    assert not operations & {"Add", "Mul", "BatchNormalization"}
    assert not caplog.messages


def test_what_differs_by_more_than_allowed_is_refused() -> None:
    """An accuracy loss above its limit, and NaN; the difference is the largest."""
    fidelity = Fidelity(photos=9, agreement=0.9, largest_difference=0.3, model_accuracy=0.9, accuracy=0.89)
    fidelity.check("int8", 0.01)
    with pytest.raises(UserError, match=r"accuracy at most 0.009 below the model's, received accuracy 0.8900"):
        fidelity.check("int8", 0.009)
    expected = np.array([[0.5, 0.5], [0.7, 0.3]])
    moved = measure_fidelity(expected + np.array([[0, 0], [0.0005, 0]]), expected, np.array([1, 1]))
    assert moved.largest_difference == pytest.approx(0.0005)
    assert (moved.accuracy, moved.model_accuracy) == (0, 0)
    with pytest.raises(UserError, match=r"of 2 photos, probabilities within nan"):
        measure_fidelity(expected * float("nan"), expected, np.array([1, 1])).check("int8", 1)


@pytest.mark.parametrize(("precision", "split"), [("float32", "validation"), ("int8", "train")])
def test_an_export_needs_photos(export: Export, precision: str, split: str) -> None:
    Path(f"data/splits/{split}.csv").unlink()
    with pytest.raises(UserError, match=f"^expected data/splits/{split}.csv"):
        export("--format", "onnx", "--precision", precision, "out")
    assert not Path("out").exists()


IMAGE_FITS: list[tuple[ImageFit, str, tuple[int, ...], str]] = [
    ("stretch", "small.jpg", (60, 80, 3), "ignoring"),
    ("stretch", "large.jpg", (300, 400, 3), "ignoring"),
    ("crop", "tall.jpg", (600, 300, 3), "ImageOps.fit"),
    ("pad", "clear.png", (60, 80, 4), str(PAD_COLOUR)),
    ("pad", "line.png", (1, 400, 3), str(PAD_COLOUR)),  # Pillow would lose a line, also one of half a pixel
    ("pad", "half.png", (1, 48, 3), str(PAD_COLOUR)),
]


def test_the_guide_s_example_classifies_as_the_model(
    export: Export, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where neither TensorFlow nor Keras is installed."""
    export("--format", "onnx", "exported")
    [*_, example] = re.findall(r"\n```python\n(.*?)```", (PROJECT / "docs/guide.md").read_text(), re.DOTALL)
    model, exif = load_model(MODEL), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    for image_fit, photo, shape, told in IMAGE_FITS:
        about = command.describe(TRAINED._replace(image_fit=image_fit), FORMATS["onnx"])
        assert told in about["input"]["about"]
        write_json(about, Path("exported/small.json"))
        Image.fromarray(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)).save(photo, exif=exif)
        used: dict[str, Any] = {}
        with monkeypatch.context() as patch:
            absent = ("tensorflow", "keras", "stages")
            for name in {*absent, *(name for name in sys.modules if name.partition(".")[0] in absent)}:
                patch.setitem(sys.modules, name, None)
            exec(example.replace("transfer", "small").replace("photo.jpg", photo), used)  # noqa: S102 (the guide's)
        assert used["pixels"].dtype == np.float32
        np.testing.assert_array_equal(used["pixels"], resized_pixels(photo, SIZE, image_fit)[None])
        np.testing.assert_allclose(used["logits"], model(used["pixels"]), atol=1e-5)
        assert capsys.readouterr().out == f"{['cats', 'dogs'][used['logits'].argmax()]}\n"


def test_the_description_has_the_temperature(export: Export, set_params: SetParams) -> None:
    about = "logits in the order of classes: {} gives probabilities"
    assert command.describe(TRAINED, FORMATS["onnx"])["output"]["about"] == about.format("softmax")
    set_params({"confidence.temperature_scaling": True})
    export("--format", "saved_model", "out")
    described = read_json("out/small.json")["output"]["about"]
    temperature = fit_calibration(read_validation(MODEL.with_suffix(".npz")), load_params().confidence).temperature
    assert described == about.format(f"softmax(logits / {temperature})")


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("name", "policy"),
    [*((name, "mixed_bfloat16") for name in FORMATS), ("saved_model", "float32"), ("saved_model", "mixed_float16")],
)
def test_an_export_computes_the_model_s_logits_in_float32(name: str, policy: str) -> None:
    target = FORMATS[name]
    save_small_model("small", ["cats", "dogs"], policy=policy, batch_norm=True, pooling="average")
    original = load_model(MODEL)
    model = in_float32(original)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    path = Path(f"exported{target.suffix}")
    write_model(model, target, path)
    for photos in (1, 3):  # batches of any size, and the same each time: nothing is augmented
        pixels = np.random.default_rng(photos).integers(0, 256, (photos, *SIZE, 3)).astype(np.float32)
        logits = target.run(path)(pixels)
        np.testing.assert_allclose(logits, model.predict(pixels, verbose=0), atol=1e-5)
        np.testing.assert_array_equal(target.run(path)(pixels), logits)
        if policy == "float32":
            np.testing.assert_array_equal(model.predict(pixels, verbose=0), original.predict(pixels, verbose=0))


def test_layers_that_onnx_lacks_are_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of ConvNeXt: tf2onnx would only log them, and write a file that ONNX Runtime refuses."""
    pixels = keras.Input((*SIZE, 4))
    convolution = keras.layers.Conv2D(4, 3, groups=4, activation="gelu")
    with pytest.raises(UserError, match="received Erfc, StatefulPartitionedCall: choose --format tflite"):
        write_model(keras.Model(pixels, convolution(pixels)), FORMATS["onnx"], tmp_path / "model.onnx")
    assert not caplog.records


def test_normalization_as_of_efficientnet_is_exported(tmp_path: Path) -> None:
    pixels = keras.Input((*SIZE, 3))
    normalization = keras.layers.Normalization()
    model = keras.Model(pixels, normalization(pixels))
    model.set_weights([np.array([1, 2, 3]), np.array([4, 9, 16]), np.array(0)])
    normalization.finalize_state()
    write_model(model, FORMATS["onnx"], tmp_path / "model.onnx")
    output = FORMATS["onnx"].run(tmp_path / "model.onnx")(np.full((1, *SIZE, 3), 7, np.float32))
    np.testing.assert_allclose(output, np.broadcast_to([3, 5 / 3, 1], (1, *SIZE, 3)), rtol=1e-6)


@pytest.mark.parametrize("network", ["resnet", "densenet"])
def test_means_of_a_preprocessing_are_exported(tmp_path: Path, network: str) -> None:
    pixels, preprocess = keras.Input((*SIZE, 3)), getattr(keras.applications, network).preprocess_input
    nested = keras.Model(pixels, preprocess(pixels))(pixels)
    write_model(keras.Model(pixels, nested), FORMATS["onnx"], tmp_path / "model.onnx")
    photo = np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3)).astype(np.float32)
    output = FORMATS["onnx"].run(tmp_path / "model.onnx")(photo)
    np.testing.assert_allclose(output, preprocess(photo.copy()), atol=1e-4)


def test_the_rounding_of_half_precision_is_logged(export: Export, caplog: pytest.LogCaptureFixture) -> None:
    save_small_model("small", ["cats", "dogs"], policy="mixed_bfloat16")
    export("--format", "saved_model", "out")
    [moved] = re.findall(r"computes in bfloat16, .* a probability by (\S+) at most", caplog.text)
    assert 0 < float(moved) < 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["float32"], r"within 0.001 of the model's, received .* of 20 photos, .*: try another --format"),
        (["float16", "--max-accuracy-loss", "0.7"], "^float16: .* at most 0.7 below .*: try --precision float32"),
    ],
)
def test_a_wrong_export_leaves_nothing_behind(
    export: Export, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    """One that predicts the other class for each photo, of which the labels are the model's own classes."""
    logits = load_model(MODEL).predict(np.stack([resized_pixels(photo, SIZE) for photo in PHOTOS]), verbose=0)
    write_list("validation", path=PHOTOS, label=np.take(["cats", "dogs"], logits.argmax(axis=1)))
    monkeypatch.setitem(FORMATS, "onnx", FORMATS["onnx"]._replace(run=lambda _: lambda pixels: -logits[: len(pixels)]))
    with pytest.raises(UserError, match=message):
        export("--format", "onnx", "--precision", *options, "out/deep")
    assert list(Path("out").iterdir()) == []


@pytest.mark.usefixtures("export")
def test_all_validation_photos_and_so_many_of_training_are_read() -> None:
    pixels, labels = validation_photos(TRAINED._replace(class_names=["dogs", "cats"]))
    assert (pixels.shape, set(labels)) == ((20, *SIZE, 3), {1})
    np.testing.assert_array_equal(pixels[np.array([7])][0], resized_pixels("photos/7.jpg", SIZE))
    assert [len(training_pixels(TRAINED, number)) for number in (7, 99)] == [7, 20]


def test_only_a_new_or_empty_folder_is_filled(export: Export) -> None:
    Path("out").mkdir()
    Path("full").mkdir()
    Path("full/mine.txt").touch()
    export("--format", "saved_model", "out")
    for folder in ("out", "full", "full/mine.txt"):
        with pytest.raises(UserError, match=f"expected a new or empty folder, received {folder}"):
            export("--format", "saved_model", folder)
    assert [path.name for path in Path("full").iterdir()] == ["mine.txt"]
    with pytest.raises(UserError, match=r"^cannot write params.yaml/out .*: choose another folder$"):
        export("--format", "saved_model", "params.yaml/out")


def test_a_folder_of_the_pipeline_is_refused_at_once(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "fetch_model_file", mock.Mock(side_effect=AssertionError))
    with pytest.raises(UserError, match=r"^folder: expected a path outside of the pipeline's plots, received plots/"):
        export("--format", "saved_model", "plots/out")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["onnx"], r"^--format onnx: .* no tf2onnx, onnx, onnxruntime: pip install .*--group export$"),
        (["saved_model", "--precision", "int8"], r"^--format saved_model: expected --precision float32, received"),
        (["saved_model", "--calibration-photos", "0"], r"^--calibration-photos: expected at least 1, received 0: see"),
        (
            ["onnx", "--calibration-photos", "9"],
            r"^--calibration-photos: expected --precision int8 beside it, received fl",
        ),
        (["saved_model", "--max-accuracy-loss", "nan"], r"^--max-accuracy-loss: expected a share of 0 to 1, received"),
        (["saved_model", "--model", "nonesuch"], r"^expected a trained model \(small\), received 'nonesuch': "),
    ],
)
def test_a_mistake_is_one_line(export: Export, monkeypatch: pytest.MonkeyPatch, options: list[str], error: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)  # as without the group export
    with pytest.raises(UserError, match=error):
        export("out", "--format", *options)
    assert not Path("out").exists()
