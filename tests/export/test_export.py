"""Exporting a small model with random weights, as each format's own runtime loads it."""

import importlib.util
import json
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stages.common.files import write_json
from stages.common.program import UserError
from stages.export import __main__ as export
from stages.export import formats as exporters
from stages.export.formats import in_float32
from stages.inference.model import load_model
from stages.models.build import build_model
from stages.models.recipe import Recipe
from stages.models.runtime import keras, make_deterministic
from stages.models.saving import save_model
from tests.conftest import PROJECT, write_photos

SIZE = (24, 32)
MODEL = Path("data/models/turned.keras")
Command = Callable[..., None]


def save_turned(policy: str = "float32") -> None:
    """Save a small model "turned", which augments and computes as Keras's dtype policy says."""
    recipe = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]["augmented"]
    make_deterministic(1, threads=1)
    keras.config.set_dtype_policy(policy)
    save_model(build_model(Recipe.model_validate({**recipe, "convolutions": [4], "units": 8}), SIZE, 2), MODEL)
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def exported(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in a workspace with the model "turned" and 20 validation photos."""
    save_turned()
    write_json({"classes": ["cats", "dogs"], "environment": []}, MODEL.with_suffix(".json"))
    write_photos(Path("photos"), 20)
    Path("data/splits").mkdir()
    lines = [f"photos/{number}.jpg,cats\n" for number in range(20)]
    Path("data/splits/validation.csv").write_text("path,label\n" + "".join(lines))

    def call(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["export", "--model", "turned", *arguments])
        export.main()

    return call


@pytest.mark.parametrize(
    ("name", "written"),
    [("saved_model", "turned"), ("tflite", "turned.tflite"), ("onnx", "turned.onnx")],
)
def test_an_exported_model_gives_the_logits_of_the_keras_model(
    exported: Command, caplog: pytest.LogCaptureFixture, name: str, written: str
) -> None:
    with caplog.at_level(logging.INFO):
        exported("--format", name, "out/deep")
    assert sorted(path.name for path in Path("out/deep").iterdir()) == sorted([written, "turned.json"])
    assert [path.name for path in Path("out").iterdir()] == ["deep"]
    difference = re.search(r"on 16 photos: (\S+)$", caplog.text, re.MULTILINE)
    assert difference
    assert float(difference[1]) < 1e-5

    run = exporters.FORMATS[name].run
    for photos in (1, 3):  # batches of any length, and the same each time: augmentation rests
        pixels = np.random.default_rng(photos).integers(0, 256, (photos, *SIZE, 3)).astype(np.float32)
        logits = run(Path("out/deep", written), pixels)
        np.testing.assert_allclose(logits, load_model(MODEL).predict(pixels, verbose=0), atol=1e-5)
        np.testing.assert_array_equal(run(Path("out/deep", written), pixels), logits)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", ["saved_model", "tflite", "onnx"])
def test_a_model_of_half_precision_is_exported_in_float32(
    exported: Command, caplog: pytest.LogCaptureFixture, name: str, policy: str
) -> None:
    save_turned(policy)
    with caplog.at_level(logging.INFO):
        exported("--format", name, "out")
    moved = re.search(rf"computes in {policy.removeprefix('mixed_')}, .* a probability by (\S+) at most", caplog.text)
    assert moved
    assert 0 < float(moved[1]) < 0.02
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3)).astype(np.float32)
    logits = exporters.FORMATS[name].run(Path("out", f"turned{exporters.FORMATS[name].suffix}"), pixels)
    np.testing.assert_allclose(logits, in_float32(load_model(MODEL)).predict(pixels, verbose=0), atol=1e-5)


def test_classes_and_image_size_go_along(exported: Command) -> None:
    exported("--format", "saved_model", "out")
    about = json.loads(Path("out/turned.json").read_text())
    assert (about["classes"], about["image_size"]) == (["cats", "dogs"], [24, 32])
    assert (about["input"]["shape"], about["input"]["dtype"]) == ([None, 24, 32, 3], "float32")
    assert about["output"]["shape"] == [None, 2]


def test_an_export_that_computes_something_else_leaves_nothing_behind(
    exported: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turned(_: Path, pixels: np.ndarray) -> Any:
        return load_model(MODEL).predict(pixels[:, ::-1], verbose=0)

    monkeypatch.setitem(exporters.FORMATS, "saved_model", exporters.FORMATS["saved_model"]._replace(run=turned))
    with pytest.raises(UserError, match=r"within 0.001 of the model's, received a difference of .* on 16 photos"):
        exported("--format", "saved_model", "out/deep")
    assert list(Path("out").iterdir()) == []


def test_without_photos_noise_checks_the_export(exported: Command, caplog: pytest.LogCaptureFixture) -> None:
    Path("data/splits/validation.csv").unlink()
    exported("--format", "saved_model", "out")
    assert "checking on 16 pictures of noise" in caplog.text


def test_a_folder_that_holds_something_is_refused_and_an_empty_one_filled(exported: Command) -> None:
    Path("out").mkdir()
    Path("full").mkdir()
    Path("full/mine.txt").touch()
    exported("--format", "saved_model", "out")
    for folder in ("out", "full", "full/mine.txt"):
        with pytest.raises(UserError, match=f"expected a new or empty folder, received {folder}"):
            exported("--format", "saved_model", folder)
    assert [path.name for path in Path("full").iterdir()] == ["mine.txt"]


def test_a_missing_package_is_one_line_that_says_what_to_install(
    exported: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"found no tf2onnx, onnx, onnxruntime: pip install .*--group export$"):
        exported("--format", "onnx", "out")


def test_an_unknown_model_is_one_line(exported: Command) -> None:
    with pytest.raises(UserError, match=r"expected a trained model \(turned\), received 'nonesuch'"):
        exported("--format", "saved_model", "out", "--model", "nonesuch")
    assert not Path("out").exists()
