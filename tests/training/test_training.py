import shutil
import signal
import tracemalloc
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from stages.common.params import Train
from stages.common.program import UserError
from stages.models.build import build_model
from stages.models.precision import set_precision
from stages.models.recipe import Recipe
from stages.models.runtime import keras, make_deterministic
from stages.models.saving import save_model
from stages.photos.arrays import MemoryBudget, Photos, allocate_array
from stages.training import callbacks
from stages.training.backup import Backup, History, fingerprint
from stages.training.training import fingerprint_of, list_phases, train_model
from tests.conftest import PROJECT

SETTINGS = Train(
    image_size=(16, 16),
    batch_size=4,
    epochs=3,
    learning_rate=1e-3,
    precision="float32",
    threads=1,
    seed=0,
)
RECIPE = Recipe(backbone="none", scale=(0, 1), flip="horizontal", rotation=0.2, convolutions=(4,), dropout=0.5, units=8)


FINE_TUNE = {"blocks": 2, "after": 0.5, "learning_rate": 1e-4}


def photos(count: int, seed: int, side: int = 16) -> Photos:
    rng = np.random.default_rng(seed)
    return Photos(rng.integers(0, 256, (count, side, side, 3)).astype(np.uint8), rng.integers(0, 2, count))


def train(
    path: Path, settings: Train = SETTINGS, seed: int = 0, recipe: Recipe = RECIPE, gib: float = 1.0
) -> tuple[bytes, Any]:
    """Train, and return the saved model's bytes and the history."""
    make_deterministic(settings.seed, settings.threads)
    set_precision(settings.precision, recipe)
    model = build_model(recipe, settings.image_size, 2)
    budget, side = MemoryBudget(gib), settings.image_size[0]
    history = train_model(
        model, recipe, settings, photos(10, seed, side), photos(6, 100, side), path / "backup.npz", budget
    )
    save_model(model, path / "model.keras")
    return (path / "model.keras").read_bytes(), history


@cache
def undisturbed(settings: Train = SETTINGS, recipe: Recipe = RECIPE) -> tuple[bytes, Any]:
    """What :func:`train` returns where nothing disturbs it."""
    with TemporaryDirectory() as folder:
        return train(Path(folder), settings, recipe=recipe)


class KilledError(Exception):
    """Stands for whatever ends a process."""


def train_until(
    epoch: int, path: Path, monkeypatch: pytest.MonkeyPatch, settings: Train = SETTINGS, recipe: Recipe = RECIPE
) -> None:
    """Train, and be stopped in the epoch after this one."""

    def die(self: Any, batch: int, logs: Any = None) -> None:
        if len(self.history) == epoch and batch == 1:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Checkpoint, "on_train_batch_end", die)
        with pytest.raises(KilledError):
            train(path, settings, recipe=recipe)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    assert train(tmp_path) == undisturbed()
    assert train(tmp_path, SETTINGS.model_copy(update={"seed": 1})) != undisturbed()


def test_the_history_has_a_record_for_each_epoch() -> None:
    _, history = undisturbed()
    assert [record["epoch"] for record in history] == [1, 2, 3]
    assert set(history[0]) == {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_killed_training_ends_with_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, epoch: int
) -> None:
    caplog.set_level("INFO")
    train_until(epoch, tmp_path, monkeypatch)
    assert train(tmp_path) == undisturbed()
    assert (f"resuming after epoch {epoch} of 3" in caplog.text) == (epoch > 0)


@pytest.fixture
def _float32_again() -> Iterator[None]:
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.usefixtures("_float32_again")
def test_a_killed_training_in_half_precision_ends_the_same_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, precision: str
) -> None:
    caplog.set_level("INFO")
    settings = SETTINGS.model_copy(update={"precision": precision})
    steep = RECIPE.model_copy(update={"scale": (0, 8)})  # so that in float16 the scale of the loss falls, and settles
    train_until(2, tmp_path, monkeypatch, settings, steep)
    assert train(tmp_path, settings, recipe=steep) == undisturbed(settings, steep)
    assert "resuming after epoch 2 of 3" in caplog.text


def test_a_backup_of_the_last_epoch_needs_no_more_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first = train(tmp_path)
    monkeypatch.setattr(callbacks.Checkpoint, "on_epoch_end", None)  # so that an epoch more would fail
    assert train(tmp_path) == first
    assert "resuming after epoch 3 of 3" in caplog.text


def test_a_backup_of_other_parameters_or_photos_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_until(2, tmp_path, monkeypatch, SETTINGS.model_copy(update={"learning_rate": 0.1}))
    assert train(tmp_path) == undisturbed()
    assert train(tmp_path, seed=7) != undisturbed()
    assert train(tmp_path) == undisturbed()


def test_a_fingerprint_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
    assert fingerprint([np.zeros(2)]) == fingerprint([np.zeros(2, np.int64)])


def test_a_loss_that_is_not_finite_stops_with_the_epoch_and_the_rate(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a finite loss, received (nan|inf) in epoch 1 at a learning rate of 1e\+30"):
        train(tmp_path, SETTINGS.model_copy(update={"learning_rate": 1e30}))
    assert not (tmp_path / "model.keras").exists()


WITH_BACKBONE = Recipe(
    backbone="mobilenet_v2",
    backbone_width=0.35,
    scale=(-1, 1),
    flip="horizontal",
    rotation=0.2,
    pool_size=1,
    dropout=0.5,
    units=8,
)
LARGER = SETTINGS.model_copy(update={"image_size": (32, 32)})


@pytest.fixture
def backbone(workspace: Path) -> None:
    """The backbone of the drawn photos, whose features differ from photo to photo."""
    folder = workspace / "data/backbone/mobilenet_v2"
    folder.mkdir(parents=True)
    shutil.copy(PROJECT / "data/sample_backbone.weights.h5", folder / "sample.weights.h5")


def recipe_with(**changes: Any) -> Recipe:
    return Recipe.model_validate({**WITH_BACKBONE.model_dump(), **changes})


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [
        ({"views": None}, 1),
        ({"views": 2, "fine_tune": FINE_TUNE}, 2),  # between the phases
        ({"views": 1, "fine_tune": {**FINE_TUNE, "after": 0.3}}, 2),  # within the second
    ],
)
@pytest.mark.usefixtures("backbone")
def test_a_killed_training_on_a_backbone_ends_the_same_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    epoch: int,
) -> None:
    caplog.set_level("INFO")
    recipe = recipe_with(**changes)
    train_until(epoch, tmp_path, monkeypatch, LARGER, recipe)
    assert train(tmp_path, LARGER, recipe=recipe) == undisturbed(LARGER, recipe)
    assert f"resuming after epoch {epoch} of 3" in caplog.text


@pytest.mark.usefixtures("backbone")
def test_as_many_views_as_epochs_train_as_fresh_ones_do(tmp_path: Path) -> None:
    _, fresh = undisturbed(LARGER, recipe_with(views=None))
    _, stored = train(tmp_path, LARGER, recipe=recipe_with(views=3))
    for one, other in zip(fresh, stored, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


@pytest.mark.usefixtures("backbone")
def test_features_on_disk_train_as_those_in_memory_do(tmp_path: Path) -> None:
    recipe = recipe_with(views=2, fine_tune=FINE_TUNE)
    assert train(tmp_path, LARGER, recipe=recipe, gib=0.0) == undisturbed(LARGER, recipe)


@pytest.mark.usefixtures("backbone")
def test_each_phase_trains_at_its_own_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []

    def save(self: Backup, model: keras.Model, history: History) -> None:
        rates.append(float(model.optimizer.learning_rate))

    monkeypatch.setattr(Backup, "save", save)
    train(tmp_path, LARGER, recipe=recipe_with(views=1, fine_tune=FINE_TUNE))
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4])


def test_ctrl_c_while_the_last_epoch_is_backed_up_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = Backup.save

    def interrupted(self: Backup, model: keras.Model, history: History) -> None:
        save(self, model, history)
        if len(history) == SETTINGS.epochs:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Backup, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path)


def test_where_no_epoch_is_left_to_fine_tune_in_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    recipe = recipe_with(fine_tune=FINE_TUNE)
    assert [phase.fine_tunes for phase in list_phases(recipe, SETTINGS)] == [False, True]
    assert not caplog.text
    list_phases(recipe, SETTINGS.model_copy(update={"epochs": 1}))
    assert "no epoch is left to fine-tune in" in caplog.text


@pytest.mark.usefixtures("backbone")
def test_fine_tuning_changes_the_last_blocks_and_nothing_before_them() -> None:
    make_deterministic(0, threads=1)
    recipe = recipe_with(fine_tune=FINE_TUNE)
    model = build_model(recipe, LARGER.image_size, 2)
    before = weights_of(model)
    train_model(model, recipe, LARGER, photos(10, 0, 32), photos(6, 1, 32), Path("backup.npz"), MemoryBudget(1))
    changed = {name for name, weight in weights_of(model).items() if not np.array_equal(weight, before[name])}
    trained = {name for name in changed if name.startswith("last_blocks/")}
    assert trained
    assert not any(name.startswith("backbone/") for name in changed)
    assert not any("bn" in name.lower() for name in trained), "batch normalisation is to rest"


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    return {f"{layer.name}/{weight.path}": weight.numpy() for layer in model.layers for weight in layer.weights}


@pytest.mark.parametrize(("after", "epochs", "ends"), [(0.5, 20, [10, 20]), (0.5, 1, [1, 1]), (0.25, 10, [3, 10])])
def test_the_head_trains_alone_in_a_fraction_of_the_epochs(after: float, epochs: int, ends: list[int]) -> None:
    recipe = recipe_with(fine_tune={**FINE_TUNE, "after": after})
    phases = list_phases(recipe, SETTINGS.model_copy(update={"epochs": epochs}))
    assert [phase.end for phase in phases] == ends
    assert [phase.start for phase in phases] == [0, ends[0]]
    assert [phase.learning_rate for phase in phases] == [1e-3, 1e-4]


def test_looking_whether_a_backup_fits_does_not_take_all_photos_into_memory(tmp_path: Path) -> None:
    many = allocate_array(2000, (64, 64, 3), np.uint8, MemoryBudget(0), tmp_path)
    many[len(many) - 1] = np.zeros((64, 64, 3))
    model = build_model(RECIPE, (64, 64), 2)
    tracemalloc.start()
    fingerprint_of(model, RECIPE, SETTINGS, Photos(many, np.zeros(len(many))), photos(6, 100, 64))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(many) * 64 * 64 * 3 / 4
