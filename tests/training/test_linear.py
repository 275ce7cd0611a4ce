"""A linear classifier, from features to a whole model beside the others."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from stages import train
from stages.common.paths import BACKUPS, PREDICTIONS
from stages.evaluation.gradcam import heat_maps, linear_heat_maps
from stages.inference import prediction
from stages.inference.prediction import load_model, predict_outputs, with_features
from stages.inference.prediction_cache import PredictionCache
from stages.models import logistic_regression, saving
from stages.models.logistic_regression import assign_folds, fit_classifier
from stages.models.model_parts import read_parts
from stages.models.pretrained import load_backbone
from stages.models.runtime import keras
from stages.storage import feature_sets
from stages.storage.feature_sets import sample_rows
from stages.storage.files import content_hash, write_json
from stages.storage.photo_lists import read_list
from tests.conftest import SetParams, read_json, run_main, write_list
from tests.training.examples import KilledError, killed_after
from tests.training.small_backbone import use_small_backbone

Pixels = dict[str, np.ndarray]  # by split
Fit = Callable[..., Pixels]  # the fixtures
FineTune = Callable[..., list[dict[str, Any]]]

SIZE = (32, 40)
NAME = "mobilenet_v2_pooled"
SPLITS = ("train", "validation")
FILES = ["data/models/linear.json", "data/models/linear.keras", "data/models/linear.npz", "plots/history/linear.json"]


@pytest.fixture
def fit(workspace: Path, set_params: SetParams, monkeypatch: pytest.MonkeyPatch) -> Fit:
    """Fit ``linear`` to 24 random photos of three classes; keywords change its config. Returns pixels by split."""
    use_small_backbone(monkeypatch, SIZE)
    folder = Path("data/features", NAME)
    Path("data/features/mobilenet_v2").rename(folder)
    rng = np.random.default_rng(0)
    pixels = {split: rng.integers(0, 256, (24, *SIZE, 3), np.uint8) for split in SPLITS}
    paths = {split: [f"{split}/{index:02d}.jpg" for index in range(24)] for split in SPLITS}
    backbone = load_backbone(folder / "backbone", SIZE)
    for split in SPLITS:
        pixels[split][::3, :, :, 0] //= 4  # of class a
        write_list(split, path=paths[split], label=["a", "b", "c"] * 8)
        maps = np.asarray(backbone.network(backbone.preprocessing(pixels[split]), training=False))
        np.save(folder / f"{split}.npy", maps.mean((1, 2)))
    write_list("groups", path=["train/03.jpg", "train/04.jpg"], group="train/03.jpg")
    np.save(folder / "validation_sample.npy", pixels["validation"][sample_rows(24)])
    write_json({"photos": {split: content_hash(paths[split]) for split in SPLITS}}, folder / "about.json")

    def run(train_settings: dict[str, Any] | None = None, **config: Any) -> Pixels:
        set_params({f"train.{key}": value for key, value in (train_settings or {}).items()})
        linear = {"classifier": "linear", "features": NAME, **config}
        set_params({"image_size": list(SIZE), "models": {"linear": linear}})
        run_main(train, "linear")
        return pixels

    return run


@pytest.fixture
def fine_tune(fit: Fit, set_params: SetParams) -> FineTune:
    """Fit ``linear``, then fine-tune it with the last blocks; keywords change ``train``. Returns a history."""
    pixels, folder = fit(), Path("data/features/mobilenet_v2_blocks")
    backbone = load_backbone(folder / "backbone", SIZE)
    for split in SPLITS:
        maps = backbone.network(backbone.preprocessing(pixels[split]), training=False)
        np.save(folder / f"{split}.npy", np.asarray(maps))
    for name in ("validation_sample.npy", "about.json"):
        shutil.copy(Path("data/features", NAME, name), folder)

    def run(learning_rate: float, **settings: Any) -> list[dict[str, Any]]:
        config = {"classifier": "linear", "features": folder.name, "fine_tune": {"learning_rate": learning_rate}}
        set_params({f"train.{key}": value for key, value in {"epochs": 3, **settings}.items()})
        set_params({"image_size": list(SIZE), "models": {"linear": config}})
        run_main(train, "linear")
        return list(read_json(FILES[3]))

    return run


def test_fine_tuning_starts_from_the_linear_classifier(fine_tune: FineTune, capsys: pytest.CaptureFixture[str]) -> None:
    """At a rate too low to matter it stays there; at another, the last blocks and the head train, and nothing else."""
    [fitted], logits = read_json(FILES[3]), np.load(FILES[2])["logits"]
    records = fine_tune(1e-12)
    assert [record["val_accuracy"] for record in records] == [fitted["val_accuracy"]] * 3
    np.testing.assert_allclose(np.load(FILES[2])["logits"], logits, atol=1e-3)
    start = load_model(Path(FILES[1]))
    fine_tune(1e-3)
    model = load_model(Path(FILES[1]))
    assert [layer.name for layer in model.layers[2:]] == ["backbone", "last_blocks", "pooling", "logits"]
    changed = set()
    for part in model.layers:
        for end, before in zip(part.weights, start.get_layer(part.name).weights, strict=True):
            changed |= set() if np.array_equal(end, before) else {(part.name, end.path)}
    assert {name for name, _ in changed} == {"last_blocks", "logits"}
    assert not any("BN" in path for _, path in changed), "batch normalisation stays frozen"
    trained = sum(np.asarray(end).size for part in model.layers for end in part.trainable_weights)
    assert f"Trainable params: {trained:,} " in capsys.readouterr().out
    assert len(read_json(FILES[0])["cross_validation"]) == 5


def test_a_fine_tuned_linear_head_resumes_to_the_same_bytes(
    fine_tune: FineTune, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"schedule": "cosine", "warmup": 0.2}
    fine_tune(1e-3, **settings)
    expected = written()
    with killed_after(2):
        fine_tune(1e-3, **settings)
    fine_tune(1e-3, **settings)
    assert "resuming after epoch 2 of 3" in caplog.text
    assert written() == expected


def test_the_saved_model_takes_pixels_and_gives_its_logits(fit: Fit) -> None:
    pixels = fit()["validation"]
    model = load_model(Path(FILES[1]))
    with np.load(FILES[2]) as saved:
        kept = dict(saved)
    np.testing.assert_allclose(predict_outputs(model, pixels).logits, kept["logits"], atol=0.01)
    assert kept["training_features"].shape == kept["validation_features"].shape == (24, 8)
    assert list(kept["training_paths"]) == list(read_list("train")["path"])
    outputs = predict_outputs(with_features(model), pixels)
    assert outputs.features is not None
    np.testing.assert_allclose(kept["validation_features"], outputs.features, rtol=0.01, atol=0.002)
    assert heat_maps(model, pixels[:2]).shape == (2, *SIZE)
    assert [layer.name for layer in model.layers[2:]] == ["backbone", "pooling", "logits"]


def test_features_of_a_sample_are_stored_with_their_paths(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_sets, "MAX_REFERENCE", 9)
    fit({"seed": 3})
    features = np.load(f"data/features/{NAME}/train.npy").astype(np.float16).tolist()
    with np.load(FILES[2]) as saved:
        rows = [features.index(stored) for stored in saved["training_features"].tolist()]
        assert saved["training_paths"].tolist() == [f"train/{row:02}.jpg" for row in rows]
    assert len(set(rows)) == 9


def test_the_history_is_one_record_of_the_fit(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    write_list("validation", path=read_list("validation")["path"], label=["a", "b", "c", "c"] * 6)
    fit()
    [record] = read_json(FILES[3])
    with np.load(FILES[2]) as saved:
        probabilities = softmax(saved["logits"].astype(np.float64), axis=1)
        labels = saved["labels"]
    assert record["epoch"] == 1
    assert record["val_loss"] == pytest.approx(log_loss(labels, probabilities), abs=1e-5)
    assert record["val_accuracy"] == pytest.approx((probabilities.argmax(axis=1) == labels).mean(), abs=1e-6)
    assert "predicting the majority class, 0.250" in caplog.text  # of the training photos: a
    about = read_json(FILES[0])
    tried = about["cross_validation"]
    assert [each["inverse_regularization"] for each in tried] == [1e-4, 1e-3, 0.01, 0.1, 1]
    assert [line.split(":")[0] for line in caplog.messages if "cross-validated" in line][::4] == ["C = 0.0001", "C = 1"]
    assert record["inverse_regularization"] == min(tried, key=lambda each: each["loss"])["inverse_regularization"]
    assert about["classes"] == ["a", "b", "c"]
    assert any(line.startswith("fitted in float32 by scikit-learn ") for line in about["environment"])


def written() -> list[bytes]:
    return [Path(path).read_bytes() for path in FILES]


def test_another_fit_needs_no_tensorflow_for_the_same_bytes(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one to another set of features of the same backbone."""
    fit(inverse_regularization=0.3)
    fresh = written()
    fit(inverse_regularization=0.01)
    assert written() != fresh
    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_model", None)
        fit(inverse_regularization=0.3)
        assert written() == fresh
        folder = Path("data/features", NAME)
        other = shutil.copytree(folder, folder.with_name("mobilenet_v2"))
        about = read_json(f"{folder}/backbone/architecture.json")
        write_json({**about, "features": {**about["features"], "name": NAME}}, other / "backbone/architecture.json")
        fit(features=other.name, inverse_regularization=0.3)
        assert written() == fresh


@pytest.mark.parametrize("refits", [False, True])
def test_features_of_another_network_are_an_error(fit: Fit, refits: bool) -> None:
    """As of every model, what is saved is compared with what was fitted; by a refit too, which loads no network.

    One photo has the same ones by chance.
    """
    if refits:
        fit()
    before, path = [path.read_bytes() for path in Path().glob(FILES[1])], Path("data/features", NAME, "validation.npy")
    features = np.load(path)
    features[np.arange(24) != sample_rows(24)[0]] += 1
    np.save(path, features)
    with pytest.raises(RuntimeError, match="expected the saved model to compute the logits of its training"):
        fit(inverse_regularization=0.3)
    assert [path.read_bytes() for path in Path().glob(FILES[1])] == before


@pytest.mark.parametrize("change", ["weights", "features", "damage"])
def test_another_backbone_or_damage_builds_it_again(change: str, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    fit()
    [weights], [copy] = Path("data/features", NAME, "backbone").glob("*.h5"), BACKUPS.glob("*.linear")
    if change == "weights":
        keras_model = load_model(Path(FILES[1])).get_layer("backbone")
        keras_model.set_weights([2 * weight for weight in keras_model.get_weights()])
        keras_model.save_weights(weights)
    elif change == "features":
        with np.load(copy) as saved:
            arrays = dict(saved)
        with copy.open("wb") as file:
            np.savez(file, **{**arrays, "features": -arrays["features"]})
    else:
        copy.write_bytes(copy.read_bytes()[:-100])
    monkeypatch.setattr(saving, "save_model", mock.Mock(side_effect=KilledError))
    with pytest.raises(KilledError):
        fit()


def test_evaluation_of_another_fit_needs_no_tensorflow(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logits and Grad-CAM are those of the saved model; without its cached features it is loaded once."""
    pixels = fit(inverse_regularization=0.3)["validation"]
    path = Path(FILES[1])
    loading = mock.Mock(wraps=load_model)
    monkeypatch.setattr(prediction, "load_model", loading)
    cache = PredictionCache(pixels)
    for strength in (0.3, 0.01):
        fit(inverse_regularization=strength)
        model, outputs = load_model(path), cache.predict(path, features=True)
        for ours, expected in zip(outputs, predict_outputs(with_features(model), pixels), strict=True):
            np.testing.assert_allclose(np.asarray(ours), np.asarray(expected), atol=1e-3)
        _, head = read_parts(path)
        assert head
        maps = np.asarray(keras.Model(model.input, model.layers[-2].input)(pixels[:4]))
        np.testing.assert_allclose(cache.feature_maps(path)[np.arange(4)], maps, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(linear_heat_maps(maps, head, SIZE), heat_maps(model, pixels[:4]), atol=1e-3)
    loading.assert_called_once_with(path)
    assert cache.predict(path).features is None
    [cached] = PREDICTIONS.glob("*.npy")
    cached.unlink()
    cache.predict(path)
    assert loading.call_args_list == [mock.call(path)] * 2


def test_other_seeds_have_other_folds(fit: Fit) -> None:
    fit({"runs": 3})
    assert read_json("data/repeats/linear/seeds.json") == [1, 2]
    first, second = map(read_json, (FILES[0], "data/repeats/linear/linear.1.json"))
    assert first["cross_validation"] != second["cross_validation"]
    assert len(read_json("data/repeats/linear/history/linear.2.json")) == 1


def test_groups_folds_seed_and_weights_reach_it(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    assign, fit_weighted = mock.Mock(wraps=assign_folds), mock.Mock(wraps=fit_classifier)
    monkeypatch.setattr(logistic_regression, "assign_folds", assign)
    monkeypatch.setattr(logistic_regression, "fit_classifier", fit_weighted)
    fit({"seed": 7, "class_weight": "balanced"}, folds=3)
    fit({"class_weight": "none"})
    [(_, groups, folds, seed), (_, _, default, _)] = (call.args for call in assign.call_args_list)
    assert (folds, seed, default) == (3, 7, 5)
    assert groups.tolist()[2:6] == ["train/02.jpg", "train/03.jpg", "train/03.jpg", "train/05.jpg"]
    weights = [call.args[-1] for call in fit_weighted.call_args_list]
    assert list(dict.fromkeys(weights)) == ["balanced", None]  # of the cross-validation, too


def test_a_regularisation_at_the_end_of_the_list_is_a_warning(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    fit(inverse_regularization=[1e-4, 1])
    assert "lowest loss, at the end of those tried" in caplog.text
    caplog.clear()
    fit(inverse_regularization=1e-9)
    assert "same loss" not in caplog.text
    fit(inverse_regularization=[1e-9, 1e-8])
    assert "at the end of" not in caplog.text
    assert "C = 1e-08, as all have the same loss: add photos" in caplog.text
