"""What models train on, as the step writes it."""

import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stages import features, train
from stages.common.program import UserError
from stages.datasets.augmentation import augment, draw_augmentation
from stages.models.backbone import load_backbone, split_network
from stages.models.recipe import Augmentation
from stages.models.runtime import keras
from stages.photos.decode import resized_pixels
from tests.conftest import write_photos
from tests.training.small_backbone import use_small_backbone

SIZE = (32, 40)
COUNTS = {"train": 5, "validation": 3}


@pytest.fixture
def photos(set_params: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Lists with few photos, a small backbone, and the photos' pixels by split."""
    set_params({"train.image_size": list(SIZE), "features.mobilenet_v2.views": 2, "features.mobilenet_v2.seed": 3})
    use_small_backbone(monkeypatch, SIZE)
    pixels = {}
    for split, count in COUNTS.items():
        write_photos(Path("data/raw", split), count)
        paths = sorted(str(path) for path in Path("data/raw", split).iterdir())
        Path("data/splits").mkdir(exist_ok=True)
        pd.DataFrame({"path": paths, "label": "cats"}).to_csv(f"data/splits/{split}.csv", index=False)
        pixels[split] = np.stack([resized_pixels(path, SIZE) for path in paths])
    return pixels


def run_step(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    monkeypatch.setattr("sys.argv", ["features", name])
    features.main()
    return {split: np.load(f"data/features/{name}/{split}.npy") for split in COUNTS}


def test_pixels_are_the_photos_in_the_order_of_the_lists(
    photos: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = run_step("pixels", monkeypatch)
    for split in COUNTS:
        np.testing.assert_array_equal(written[split], photos[split])


@pytest.mark.parametrize("stop_before", [None, "block_15_expand"])
def test_features_are_what_the_backbone_makes_of_the_photos_in_views_that_differ(
    photos: dict[str, np.ndarray],
    set_params: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    stop_before: str | None,
) -> None:
    layer = {"features.mobilenet_v2.stop_before": stop_before}
    fine_tune = {"first_layer": stop_before, "after": 0.5, "learning_rate": 1e-4} if stop_before else None
    set_params({**layer, "models.transfer.fine_tune": fine_tune})
    written = run_step("mobilenet_v2", monkeypatch)

    preprocessing, network = load_backbone("mobilenet_v2", SIZE)
    if stop_before:
        network, _ = split_network(network, stop_before, "")
    drawn = [draw_augmentation(Augmentation(flip="horizontal", rotation=0.2), 5, seed=3, view=view) for view in (0, 1)]
    views = {
        "train": np.concatenate([augment(photos["train"], mirror, angle) for mirror, angle in drawn]),
        "validation": photos["validation"],
    }
    for split, pixels in views.items():
        expected = np.asarray(network(preprocessing(pixels), training=False))
        assert expected.std() > 0.01
        assert written[split].dtype == np.float16
        np.testing.assert_allclose(written[split], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.usefixtures("photos")
def test_the_log_says_how_large_they_are_and_a_disk_without_room_is_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Path(".dvc/cache").mkdir(parents=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=8 * 32 * 40 * 3 * 1.9))
    with pytest.raises(
        UserError, match=r"^expected 0\.1 MB of free disk for data/features/pixels and its copy in DVC's"
    ):
        run_step("pixels", monkeypatch)
    assert "train.npy: 5 x 32 x 40 x 3 of uint8, 0.0 MB" in caplog.text
    assert not list(Path("data/features").iterdir())
    shutil.rmtree(".dvc")
    run_step("pixels", monkeypatch)


@pytest.mark.usefixtures("photos")
def test_features_beyond_float16_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    preprocessing, network = load_backbone("mobilenet_v2", SIZE)
    huge = keras.Model(network.input, network.input * 1e5)
    monkeypatch.setattr("stages.models.backbone.load_backbone", lambda *_: (preprocessing, huge))
    expected = r"^features.mobilenet_v2: expected features up to 65504, received more: 100000 is no float16: use"
    with pytest.raises(UserError, match=expected):
        run_step("mobilenet_v2", monkeypatch)
    assert not list(Path("data/features").iterdir())


@pytest.mark.usefixtures("photos")
def test_a_training_without_its_features_or_with_others_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train", "cnn"])
    with pytest.raises(
        UserError, match=r"^expected the array data/features/pixels/train.npy, found none: run `dvc rep"
    ):
        train.main()
    run_step("pixels", monkeypatch)
    with pytest.raises(UserError, match=r"train.npy: expected rows for 4 photos, received 5: run `dvc repro feat"):
        train.load_examples(Path("data/features/pixels/train.npy"), np.zeros(4))


@pytest.mark.usefixtures("photos")
def test_an_unknown_set_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "with a set of params.yaml (pixels, mobilenet_v2, mobilenet_v2_blocks), received 'nonesuch'"
    with pytest.raises(UserError, match=re.escape(expected)):
        run_step("nonesuch", monkeypatch)
