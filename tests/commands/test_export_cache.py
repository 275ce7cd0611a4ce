"""Exports kept for predictions: Keras's answers without TensorFlow, and TensorFlow where they would be others."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from commands.export import export_cache, exporters
from commands.export.export_cache import EXPORTS, load_exported
from stages.common.cli import UserError
from stages.common.params import ConfidenceSettings
from stages.inference.model_file import TrainedModel, fetch_model_file
from stages.inference.prediction import predict_outputs
from stages.models.runtime import keras
from tests.commands.small_model import SIZE, VALIDATION, save_model_on_backbone, save_small_model
from tests.conftest import PROJECT, write_photos

PIXELS = np.random.default_rng(0).integers(0, 256, (11, *SIZE, 3), np.uint8)
PLAIN = ConfidenceSettings()


@pytest.fixture(autouse=True)
def _good(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_small_model("good", ["cats", "dogs"])
    monkeypatch.setattr(export_cache, "gpu_devices", list)


def load() -> TrainedModel:
    return load_exported(fetch_model_file("good"), PLAIN)


def is_exported(trained: TrainedModel) -> bool:
    """Return whether ONNX Runtime predicts; in any case, the answers are those of Keras."""
    expected = fetch_model_file("good").load(PLAIN)
    assert (trained.name, trained.class_names, trained.image_size) == ("good", ["cats", "dogs"], SIZE)
    pd.testing.assert_frame_equal(trained.classify(PIXELS), expected.classify(PIXELS), rtol=0, atol=2e-6)
    return not isinstance(trained.model, keras.Model)


def test_a_model_is_exported_once(caplog: pytest.LogCaptureFixture) -> None:
    """And again where that file is damaged."""
    assert is_exported(load())
    [path] = EXPORTS.iterdir()
    written = path.stat().st_ino
    assert is_exported(load())
    assert path.stat().st_ino == written
    assert not caplog.messages
    path.write_bytes(b"")
    assert is_exported(load())
    assert path.stat().st_size


def test_the_exports_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_cache, "MAX_EXPORTS", 2)
    first = fetch_model_file("good")
    load()
    [path] = EXPORTS.iterdir()
    unused = EXPORTS / "z.npz"  # by name the last
    for seed in (2, 3):
        unused.touch()
        os.utime(unused, (0, 0))
        save_small_model("good", ["cats", "dogs"], seed)
        assert is_exported(load())
        assert path.exists()
        assert not unused.exists()
        load_exported(first, PLAIN)
    assert len(list(EXPORTS.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "changed"), [("machine_key", lambda: ["another CPU"]), ("version", lambda _: "another version")]
)
def test_other_versions_export_again(name: str, changed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    monkeypatch.setattr(export_cache, name, changed)
    load()
    assert len(list(EXPORTS.iterdir())) == 2


def test_a_damaged_model_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^data/models/good.keras: expected a model that Keras .* can load"):
        load_exported(fetch_model_file("good")._replace(content=b"no zip"), PLAIN)


def test_temperature_and_notes_are_those_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    save_model_on_backbone("good", monkeypatch)
    settings = ConfidenceSettings(temperature_scaling=True, abstention_accuracy=0.6, out_of_distribution_fraction=0.2)
    pixels = np.concatenate([np.asarray(VALIDATION.examples)[:20], np.full((1, 32, 32, 3), 255, np.uint8)])
    expected = fetch_model_file("good").load(settings)
    for _ in range(2):
        trained = load_exported(fetch_model_file("good"), settings)
        logits, features = predict_outputs(trained.model, pixels)
        others: Any = predict_outputs(expected.feature_model, pixels).features
        assert features is not None
        np.testing.assert_allclose(features, others, atol=1e-6)
        table = trained.classify(pixels)
        assert list(table["note"]) == trained.calibration.notes(logits, features)
        assert table["note"].iloc[-1] == "unsure, unlike the training photos"
        pd.testing.assert_frame_equal(table.tail(1), expected.classify(pixels).tail(1), rtol=0, atol=2e-6)


def test_features_that_a_model_lacked_are_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    save_model_on_backbone("good", monkeypatch)
    settings, file = ConfidenceSettings(out_of_distribution_fraction=0.2), fetch_model_file("good")
    load_exported(file._replace(validation=None), settings)
    table = load_exported(file, settings).classify(np.full((1, 32, 32, 3), 255, np.uint8))
    assert list(table["note"]) == ["unlike the training photos"]


def test_other_answers_leave_it_to_keras(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(export_cache, "MAX_DIFFERENCE", -1)
    assert not is_exported(load())
    monkeypatch.setattr(exporters, "write_model", None)  # it is judged once
    assert not is_exported(load())
    [message] = set(caplog.messages)
    assert message.startswith("TensorFlow predicts with good: its ONNX export changes a probability by ")


@pytest.mark.parametrize(
    ("error", "reasons"),
    [
        (NotImplementedError("no such operation"), ["it cannot be exported to ONNX (no such operation)"]),
        (MemoryError(), []),  # another time it may succeed
    ],
)
def test_a_failed_export_leaves_it_to_keras(
    error: Exception, reasons: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(exporters, "write_model", mock.Mock(side_effect=error))
    assert not is_exported(load())
    assert caplog.messages == [f"TensorFlow predicts with good: {reason}" for reason in reasons]


@pytest.mark.parametrize("reason", ["half precision", "no packages", "a GPU", "no folder"])
def test_tensorflow_predicts_quietly_where_it_must(
    reason: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if reason == "half precision":
        save_small_model("good", ["cats", "dogs"], policy="mixed_bfloat16")
    elif reason == "no packages":
        monkeypatch.setattr(export_cache, "distributions", lambda **_: [])
    elif reason == "a GPU":
        monkeypatch.setattr(export_cache, "gpu_devices", lambda: ["/dev/nvidia0"])
    else:
        EXPORTS.write_text("in the way")
    assert not is_exported(load())
    assert not caplog.messages
    assert not EXPORTS.is_dir()


def test_predictions_load_no_tensorflow(workspace: Path) -> None:
    """From the second on; they are the same bytes, on any number of cores."""
    write_photos(Path("new"), 9)
    code = """
import sys
from commands import predict
from commands.export import export_cache
export_cache.gpu_devices = list
sys.modules.update({name: None for name in sys.argv.pop().split(",") if name})
predict.main()
"""
    printed = set()
    for cores, blocked in [("1", ""), ("3", "tensorflow,keras")]:
        command = [sys.executable, "-c", code, "new", "--model", "good", "--format", "csv", blocked]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": cores}
        printed.add(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    [lines] = printed
    assert lines.count(b"new/") == 9
