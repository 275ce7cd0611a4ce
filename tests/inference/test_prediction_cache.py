"""The prediction cache: used where nothing has changed, and only there."""

from functools import partial, reduce
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from stages.common.cli import UserError
from stages.common.paths import MODELS, PREDICTIONS
from stages.inference import prediction, prediction_cache
from stages.inference.prediction import load_model, predict_outputs, with_features
from stages.inference.prediction_cache import PredictionCache
from stages.models import saving
from stages.models.runtime import keras, layers, make_deterministic
from stages.storage.arrays import create_array, temporary_array
from tests.conftest import less_memory_than
from tests.storage.damage import DAMAGES, damaged

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4, 8, 3), np.uint8)
MODEL = MODELS / "cnn.keras"
FILE = PREDICTIONS / "cnn.npz"


def save_model(seed: int) -> None:
    MODELS.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    keras.Sequential([keras.Input((4, 8, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2)]).save(MODEL)


def save_on_backbone(name: str, units: int, *, backbone_seed: int = 0, fine_tuned: bool = False) -> Path:
    """Save a model as ``build_model`` chains it: preprocessing, a frozen backbone, last blocks or not, a head."""
    make_deterministic(backbone_seed)
    pixels, features = keras.Input((4, 8, 3)), keras.Input((4, 8, 3))
    # As in EfficientNet, one of whose weights is a scalar.
    normalized = layers.Normalization()(layers.Rescaling(1 / 255)(features))
    preprocessing = keras.Model(features, normalized, name="preprocessing")
    backbone = keras.Model(features, layers.Conv2D(4, 3, activation="relu")(features), name="backbone")
    head = [layers.Flatten(), layers.Dense(units), layers.Dense(2)]
    if fine_tuned:
        maps = keras.Input(backbone.output_shape[1:])
        head.insert(0, keras.Model(maps, layers.Conv2D(4, 1, activation="relu")(maps), name="last_blocks"))
    path = MODELS / f"{name}.keras"
    logits = reduce(lambda x, layer: layer(x), [preprocessing, backbone, *head], pixels)
    saving.save_model(keras.Model(pixels, logits), path)
    return path


def predicts(pixels: np.ndarray = PIXELS, *, features: bool = False) -> bool:
    """Return whether the model was loaded to predict the photos; the outputs are always the right ones."""
    with mock.patch.object(prediction, "load_model", wraps=load_model) as loading:
        outputs = PredictionCache(pixels).predict(MODEL, features=features)
    np.testing.assert_array_equal(outputs.logits, predict_outputs(load_model(MODEL), pixels).logits)
    assert (outputs.features is not None) == features
    return loading.called


def other_version(updated: str, package: str) -> str:
    return "99" if package == updated else version(package)


@pytest.fixture(autouse=True)
def _cached(workspace: Path) -> None:
    save_model(seed=0)
    assert predicts()


def test_a_model_is_loaded_only_to_predict_what_is_not_cached() -> None:
    before = FILE.read_bytes()
    assert not predicts()
    FILE.unlink()
    assert predicts()
    assert FILE.read_bytes() == before
    FILE.write_bytes(damaged(before, "cut short"))
    assert [predicts(), predicts()] == [True, False]


def test_another_model_or_other_pixels_predict_again() -> None:
    save_model(seed=1)
    assert [predicts(), predicts()] == [True, False]
    changed = PIXELS.copy()
    changed[4, 3, 7, 2] ^= 1
    assert [predicts(changed), predicts(changed[:4])] == [True, True]


def test_photos_on_disk_are_hashed_one_by_one() -> None:
    pixels = temporary_array((1000, 16, 16, 3), np.uint8)
    pixels.write(0, np.zeros(pixels.shape, np.uint8))
    with less_memory_than(1000 * pixels.row_bytes / 2):
        PredictionCache(pixels)


def test_a_model_of_another_image_size_is_refused() -> None:
    expected = r"^data/models/cnn.keras: expected image_size \[8, 4\] .*, received \[4, 8\]: run `dvc repro train@cnn`$"
    with pytest.raises(UserError, match=expected):
        predicts(PIXELS.reshape(5, 8, 4, 3))


def test_features_are_cached_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "with_features", lambda model: keras.Model(model.inputs, 2 * model.outputs))
    assert [predicts(features=True), predicts(features=True), predicts()] == [True, False, True]


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("common.machine.instruction_sets", lambda: ["another"]),
        ("common.machine.gpu_devices", lambda: ["/dev/nvidia0"]),
        *(("common.machine.version", partial(other_version, name)) for name in ("TensorFlow", "Keras")),
        ("inference.prediction_cache.INFERENCE_CODE", ("common/*.py",)),
    ],
)
def test_another_machine_or_code_predicts_again(changed: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"stages.{changed}", value)
    assert predicts()


@pytest.mark.parametrize("damage", [*DAMAGES[:2], "a bit", "encryption", "bzip2", "deflate", "missing"])
def test_a_damaged_or_missing_model_is_one_line(damage: str) -> None:
    if damage == "missing":
        MODEL.unlink()
    else:
        MODEL.write_bytes(damaged(MODEL.read_bytes(), damage))
    with pytest.raises(UserError, match=r"^expected data/models/cnn.keras.*: run `dvc repro train@cnn`$"):
        PredictionCache(PIXELS).predict(MODEL)


def test_models_share_the_outputs_of_their_frozen_backbone() -> None:
    """The same as whole models compute, with and without features."""
    models = [save_on_backbone("wide", 8), save_on_backbone("blocks", 2, fine_tuned=True)]
    models.append(save_on_backbone("other", 2, backbone_seed=1))
    cache = PredictionCache(PIXELS)
    with mock.patch.object(prediction_cache, "create_array", wraps=create_array) as extracting:
        for path, extracted in zip(models, (1, 1, 2), strict=True):
            for model, features in ((load_model(path), False), (with_features(load_model(path)), True)):
                outputs, expected = cache.predict(path, features=features), predict_outputs(model, PIXELS)
                np.testing.assert_array_equal(outputs.logits, expected.logits)
                np.testing.assert_array_equal(outputs.features, expected.features)
            assert extracting.call_count == extracted
    maps = {cache.maps[path] for path in models}
    assert len(maps) == 2
    cache.delete_unused()
    assert set(PREDICTIONS.glob("*.np?")) == maps | {PREDICTIONS / f"{path.stem}.npz" for path in models}
    Path(PREDICTIONS, "of_mine.csv").touch()
    PredictionCache(PIXELS).delete_unused()
    assert [path.name for path in PREDICTIONS.iterdir()] == ["of_mine.csv"]


@pytest.mark.parametrize("damage", ["empty", "cut short", "a bit"])
def test_damaged_outputs_of_a_backbone_are_computed_again(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    cache, path = PredictionCache(PIXELS), save_on_backbone("wide", 8)
    cache.predict(path)
    maps = cache.maps[path]
    before = maps.read_bytes()
    last = bytes([before[-1] ^ 1])
    maps.write_bytes({"empty": b"", "cut short": before[:-1], "a bit": before[:-1] + last}[damage])
    save_on_backbone("wide", 4)
    PredictionCache(PIXELS).predict(path)
    assert f"{maps} is damaged, so it is not used" in caplog.messages
    assert maps.read_bytes() == before


@pytest.mark.parametrize("suffix", [".npy", ".sha256"])
def test_a_deleted_file_of_the_cache_is_written_again(suffix: str) -> None:
    """Of the outputs of a backbone, a killed run may leave the checksum alone."""
    cache, path = PredictionCache(PIXELS), save_on_backbone("wide", 8)
    cache.predict(path)
    maps = cache.maps[path]
    before = maps.read_bytes()
    maps.with_suffix(suffix).unlink()
    save_on_backbone("wide", 4)
    PredictionCache(PIXELS).predict(path)
    assert maps.read_bytes() == before
    assert maps.with_suffix(".sha256").exists()
