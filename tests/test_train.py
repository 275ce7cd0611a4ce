"""The step that trains a model, from one seed or several."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from stages import train
from stages.common import edits
from stages.common.cli import UserError
from stages.common.paths import BACKUPS, FEATURES, MODELS
from stages.inference.prediction import load_model
from stages.models.saving import check_saved_model
from stages.storage.files import content_hash, write_json
from stages.training import network
from tests.conftest import CNN_ALONE, PROJECT, TINY_CNN, SetParams, edit_params, read_json, run_main, write_list
from tests.training.examples import KilledError, killed_after

pytestmark = pytest.mark.usefixtures("eagerly")
Settings = Callable[..., None]  # the fixture


@pytest.fixture
def settings(set_params: SetParams) -> Settings:
    """Change parameters of ``train``; a list and features of eight photos are there."""
    folder = FEATURES / "pixels"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split in ("train", "validation"):
        write_list(split, path=list("abcdefgh"), label=["cats", "dogs"] * 4)
        np.save(folder / f"{split}.npy", rng.integers(0, 256, (8, 16, 16, 3), np.uint8))
    write_json({"photos": dict.fromkeys(("train", "validation"), content_hash("abcdefgh"))}, folder / "about.json")
    small = {"train.batch_size": 4, "train.epochs": 2, "train.precision": "float32"}
    set_params({**CNN_ALONE, **small, "image_size": 16, "models": {"cnn": TINY_CNN}})
    return lambda **changes: set_params({f"train.{key}": value for key, value in changes.items()})


@pytest.mark.usefixtures("settings")
def test_leftovers_of_a_removed_model_are_refused_first() -> None:
    MODELS.mkdir()
    leftover = MODELS / "cnn_v1.keras"
    leftover.touch()
    with pytest.raises(UserError, match=f"move or delete {leftover}$"):
        run_main(train, "cnn")
    assert not BACKUPS.exists()


def test_a_model_is_there_only_once_it_was_checked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between saving and checking, in the second of its seeds; run again, it ends as if undisturbed."""
    settings(runs=2)
    run_main(train, "cnn")
    undisturbed = results()
    for path in map(Path, undisturbed):
        path.unlink()
    check = mock.Mock(wraps=check_saved_model, side_effect=[mock.DEFAULT, KilledError, mock.DEFAULT, mock.DEFAULT])
    monkeypatch.setattr(network, "check_saved_model", check)
    with pytest.raises(KilledError):
        run_main(train, "cnn")
    assert not [path for path in results() if path.startswith("data/repeats")]
    run_main(train, "cnn")
    assert check.call_count == 4
    assert results() == undisturbed


def test_a_run_whose_edit_is_undone_resumes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(PROJECT / "dvc.yaml", ".")
    monkeypatch.setenv("DVC_STAGE", "train@cnn")
    monkeypatch.setattr(edits, "UNDONE_IN", 0)

    def write_and_edit(*args: Any) -> None:
        train_and_write(*args)
        settings(epochs=5)

    train_and_write = train.train_and_write
    with monkeypatch.context() as patch:
        patch.setattr(train, "train_and_write", write_and_edit)
        with pytest.raises(UserError, match=r"^train: edited while train@cnn ran"):
            run_main(train, "cnn")
    settings(epochs=2)
    run_main(train, "cnn")
    assert "resuming after epoch 2 of 2" in caplog.text
    assert not list(BACKUPS.iterdir())


def test_a_model_s_own_settings_override_those_of_train(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"epochs": 3, "learning_rate": 0.5, "schedule": "cosine", "warmup": 0.0, "checkpoint": "best"}
    edit_params(Path("params.yaml"), {f"models.cnn.{key}": value for key, value in own.items()})
    settings(warmup=0.5, early_stopping=7)
    train_and_write = mock.Mock()
    monkeypatch.setattr(train, "train_and_write", train_and_write)
    with pytest.raises(FileNotFoundError):  # no model is written
        run_main(train, "cnn")
    run = train_and_write.call_args.args[0]
    assert run.settings.model_dump(include={*own, "early_stopping"}) == {**own, "early_stopping": 7}


def test_initial_weights_depend_on_the_seed(settings: Settings) -> None:
    """Before the first step, which is too short to matter."""
    settings(runs=2, epochs=1, learning_rate=1e-12)
    run_main(train, "cnn")
    first, second = (load_model(Path(path)) for path in ("data/models/cnn.keras", "data/repeats/cnn/cnn.1.keras"))
    assert np.abs(first.get_layer("logits").kernel - second.get_layer("logits").kernel).max() > 0.01


def test_features_of_another_image_fit_are_refused(settings: Settings) -> None:
    """Those from before there were several are of stretched photos."""
    edit_params(Path("params.yaml"), {"image_fit": "pad"})
    with pytest.raises(UserError, match=r"image_fit pad, received stretch: run `dvc repro pixels`$"):
        run_main(train, "cnn")
    about = FEATURES / "pixels/about.json"
    about.write_text(json.dumps({**read_json(about), "image_fit": "pad"}))
    run_main(train, "cnn")
    assert read_json("data/models/cnn.json")["image_fit"] == "pad"


def results() -> dict[str, bytes]:
    files = [path for folder in ("data/models", "data/repeats", "plots") for path in Path(folder).rglob("*.*")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def test_runs_from_several_seeds_resume_and_are_independent(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings(runs=3)
    with killed_after(1, "cnn.2.npz"):
        run_main(train, "cnn")
    caplog.clear()
    run_main(train, "cnn")
    resumed = [message for message in caplog.messages if "resuming" in message]
    assert resumed == [f"resuming after epoch {epoch} of 2, which an earlier run finished" for epoch in (2, 2, 1)]
    assert not list(BACKUPS.iterdir())
    together = results()
    assert json.loads(together["data/repeats/cnn/seeds.json"]) == [1, 2]

    settings(runs=1, seed=2)
    run_main(train, "cnn")
    alone = results()
    assert json.loads(alone.pop("data/repeats/cnn/seeds.json")) == []
    assert len(alone) == 4, "what earlier runs repeated is gone"
    assert alone == {
        "data/models/cnn.keras": together["data/repeats/cnn/cnn.2.keras"],
        "data/models/cnn.npz": together["data/repeats/cnn/cnn.2.npz"],
        "data/models/cnn.json": together["data/repeats/cnn/cnn.2.json"],
        "plots/history/cnn.json": together["data/repeats/cnn/history/cnn.2.json"],
    }
    assert alone["data/models/cnn.keras"] != together["data/models/cnn.keras"]
