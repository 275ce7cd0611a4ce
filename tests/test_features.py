"""Pixels and features as the steps write them."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages import features, pixels, train
from stages.common.cli import UserError
from stages.common.model_config import Augmentation
from stages.datasets.augmentation import augment, draw_augmentation
from stages.models import pretrained as backbone
from stages.models.pretrained import load_backbone, scale_and_shift
from stages.models.runtime import keras
from stages.photos.decode import resized_pixels
from stages.storage.feature_sets import sample_rows
from tests.conftest import SetParams, read_json, run_main, write_list, write_photos
from tests.training.small_backbone import use_small_backbone

pytestmark = pytest.mark.usefixtures("photos")
SIZE = (32, 40)
Pixels = dict[str, np.ndarray]  # by split
Train = Callable[..., None]  # the fixture
COUNTS = {"train": 5, "validation": 3}


@pytest.fixture
def photos(set_params: SetParams, monkeypatch: pytest.MonkeyPatch) -> Pixels:
    """Lists with few photos, a small backbone, and the photos' pixels by split."""
    set_params({"image_size": list(SIZE), "features.mobilenet_v2.views": 2, "features.mobilenet_v2.seed": 3})
    use_small_backbone(monkeypatch, SIZE)
    pixels = {}
    for split, count in COUNTS.items():
        write_photos(Path("data/raw", split), count)
        paths = sorted(str(path) for path in Path("data/raw", split).iterdir())
        write_list(split, path=paths, label=["cats", "dogs", "cats", "dogs", "cats"][:count])
        write_list(f"{split}_paths", path=paths)
        pixels[split] = np.stack([resized_pixels(path, SIZE) for path in paths])
    return pixels


def run_step(name: str) -> Pixels:
    pixels.main()
    if name != "pixels":
        run_main(features, name)
    return {split: np.load(f"data/features/{name}/{split}.npy") for split in COUNTS}


@pytest.mark.parametrize("stop_before", [None, "block_15_expand"])
def test_each_view_has_the_backbones_features(photos: Pixels, set_params: SetParams, stop_before: str | None) -> None:
    set_params({"features.mobilenet_v2.stop_before": stop_before})
    if stop_before:
        config = {"classifier": "linear", "features": "mobilenet_v2", "fine_tune": {"learning_rate": 1e-4}}
        set_params({"label_issues": {}, "models.transfer": config})
    written = run_step("mobilenet_v2")
    sample = np.load("data/features/mobilenet_v2/validation_sample.npy")
    np.testing.assert_array_equal(sample, photos["validation"][sample_rows(3)])

    preprocessing, network, last_blocks = load_backbone(Path("data/features/mobilenet_v2/backbone"), SIZE)
    assert (last_blocks is not None) == bool(stop_before)
    drawn = [draw_augmentation(Augmentation(flip="horizontal", rotation=0.2), 5, seed=3, view=view) for view in (0, 1)]
    views = photos | {"train": np.concatenate([augment(photos["train"], draws) for draws in drawn])}
    for split, augmented in views.items():
        expected = np.asarray(network(preprocessing(augmented), training=False))
        assert expected.std() > 0.01
        assert written[split].dtype == np.float16
        np.testing.assert_allclose(written[split], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_pooled_features_are_means_of_plain_maps(photos: Pixels) -> None:
    """Also of a second run without DVC, which replaces the first."""
    run_step("mobilenet_v2_pooled")
    written = run_step("mobilenet_v2_pooled")
    preprocessing, network, _ = load_backbone(Path("data/features/mobilenet_v2_pooled/backbone"), SIZE)
    for split, count in COUNTS.items():
        maps = np.asarray(network(preprocessing(photos[split]), training=False))
        assert written[split].shape == (count, 8)
        np.testing.assert_allclose(written[split], maps.mean((1, 2)), rtol=1e-4, atol=1e-5)


def test_a_full_disk_is_one_line_with_sizes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    size = 8 * 32 * 40 * 3
    run_step("pixels")
    assert "train.npy: 5 x 32 x 40 x 3 of uint8, 0.0 MB" in caplog.text
    before = Path("data/features/pixels/train.npy").read_bytes()

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size - 1))
    with pytest.raises(OSError, match=r"0\.0 MB needed, 0\.0 MB free; fewer views or") as error:
        run_step("pixels")
    assert error.value.errno == errno.ENOSPC, "a machine's failure: another node may have room"
    assert Path("data/features/pixels/train.npy").read_bytes() == before, "what was there is still there"


def test_features_beyond_float16_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = load_backbone(Path("data/features/mobilenet_v2/backbone"), SIZE)
    huge = keras.Model(backbone.network.input, backbone.network.input * 1e5)
    monkeypatch.setattr(features, "load_backbone", lambda *_: backbone._replace(network=huge))
    expected = r"^features.mobilenet_v2: expected numbers up to 65504, received 100000: use"
    with pytest.raises(UserError, match=expected):
        run_step("mobilenet_v2")
    assert not list(Path("data/features").rglob("mobilenet_v2/*.npy"))


def test_unusable_features_are_one_line(set_params: SetParams) -> None:
    def expect(message: str) -> None:
        with pytest.raises(UserError, match=f"{message}.*: run `dvc repro pixels`$"):
            run_main(train, "cnn")

    expect("^expected data/features/pixels/about.json, found none")
    run_step("pixels")
    array = Path("data/features/pixels/train.npy")
    whole = array.read_bytes()
    for damaged in (whole[:-1], whole[:7], b""):
        array.write_bytes(damaged)
        expect("^expected data/features/pixels as it was written, received it damaged or changed")
    array.write_bytes(whole)
    set_params({"image_size": [40, 32], "models.cnn.conv_layers": 1})
    expect(r"^expected features of image_size \[40, 32\], received \[32, 40\]")
    photos = pd.read_csv("data/splits/train.csv")
    photos[::-1].to_csv("data/splits/train.csv", index=False)
    expect("^data/features/pixels: expected features of photos in data/splits, received others")
    Path("data/features/pixels/about.json").write_text("{}")
    expect("^data/features/pixels: expected features of photos in data/splits, received others")


@pytest.fixture
def small_transfer(set_params: SetParams, eagerly: None) -> Train:
    """Train ``transfer`` for an epoch on the features of a small backbone; keywords change ``train``."""

    def run(**changes: Any) -> None:
        small = {"epochs": 1, "batch_size": 4, **changes}
        set_params({**{f"train.{key}": value for key, value in small.items()}, "models.transfer.pool_size": 1})
        run_step("mobilenet_v2")
        run_main(train, "transfer")

    return run


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_saved_model_agrees_with_its_training_on_features(
    small_transfer: Train, caplog: pytest.LogCaptureFixture, precision: str
) -> None:
    small_transfer(precision=precision)
    assert "the saved model agrees with its training" in caplog.text
    assert set(read_json("data/costs/train@transfer.json")) == {"of", "features_s", "train_s"}


def test_features_of_another_network_are_an_error(small_transfer: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one that folding changed."""
    monkeypatch.setattr(backbone, "scale_and_shift", lambda norm: [1.2 * each for each in scale_and_shift(norm)])
    with pytest.raises(RuntimeError, match="expected the saved model to compute the logits of its training"):
        small_transfer(precision="float32")
    assert not list(Path("data/models").iterdir())


def test_features_of_photos_of_another_size_are_one_line(small_transfer: Train, set_params: SetParams) -> None:
    """Where maps have the same shape only the sample of the pixels tells."""
    small_transfer(precision="float32")
    set_params({"image_size": [33, 40]})
    with pytest.raises(UserError, match=r"received \[32, 40\]: run `dvc repro features@mobilenet_v2`$"):
        run_main(train, "transfer")
