"""What a finished run claims, computed again from its files alone with plain Keras, Pillow and scikit-learn."""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from scipy.special import softmax
from sklearn import metrics

from stages.models.runtime import keras, tf
from tests.conftest import packed_files, read_json
from tests.models.test_build import notebook_convolutions
from tests.project import MODELS

pytestmark = pytest.mark.slow


class Photos(NamedTuple):
    pixels: np.ndarray
    labels: np.ndarray


def read_photos(project: Path, split: str) -> Photos:
    """The photos of a list, decoded and resized by Pillow; the label is 1 for dogs."""
    size = yaml.safe_load((project / "params.yaml").read_text())["image_size"]
    listed = pd.read_csv(project / f"data/splits/{split}.csv")
    packed = packed_files(project / "data/raw")
    files = [packed[path.removeprefix("data/raw/")] for path in listed["path"]]
    opened = [Image.open(BytesIO(file)).convert("RGB") for file in files]
    pixels = [np.asarray(photo.resize((size, size), Image.Resampling.BILINEAR)) for photo in opened]
    return Photos(np.stack(pixels), (listed["label"] == "dogs").to_numpy(np.int64))


def load(project: Path, name: str) -> keras.Model:
    return keras.saving.load_model(project / f"data/models/{name}.keras")


def probabilities(model: keras.Model, photos: Photos) -> np.ndarray:
    return np.asarray(softmax(model.predict(photos.pixels, verbose=0).astype(np.float64), axis=1))


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_of_the_saved_model(finished: Path, name: str) -> None:
    model = load(finished, name)
    test = read_photos(finished, "test")
    predicted = probabilities(model, test)
    classes = predicted.argmax(axis=1)
    scores = read_json(finished / f"metrics/models/{name}.json")
    expected = {
        "accuracy": metrics.accuracy_score(test.labels, classes),
        "gain_over_baseline": metrics.accuracy_score(test.labels, classes) - 0.5,
        "loss": metrics.log_loss(test.labels, predicted),
        "roc_auc": metrics.roc_auc_score(test.labels, predicted[:, 1]),
        "balanced_accuracy": metrics.balanced_accuracy_score(test.labels, classes),
        "macro_f1": metrics.f1_score(test.labels, classes, average="macro", zero_division=0),
    }
    assert scores["test"] == pytest.approx({**scores["test"], **expected}, abs=1e-5)
    assert [row["label"] for row in scores["classes"]] == ["cats", "dogs"]
    precision, recall, *_ = metrics.precision_recall_fscore_support(test.labels, classes, zero_division=0)
    assert [row["precision"] for row in scores["classes"]] == pytest.approx(precision, abs=1e-6)
    assert [row["recall"] for row in scores["classes"]] == pytest.approx(recall, abs=1e-6)
    confusion = pd.read_csv(finished / f"plots/confusion/{name}.csv")
    assert confusion["actual"].tolist() == np.take(["cats", "dogs"], test.labels).tolist()
    assert confusion["predicted"].tolist() == np.take(["cats", "dogs"], classes).tolist()

    # Its history ends with what it reaches on the validation photos as they are: not augmented, no others.
    validation = read_photos(finished, "validation")
    predicted = probabilities(model, validation)
    with np.load(finished / f"data/models/{name}.npz") as kept:
        np.testing.assert_allclose(softmax(kept["logits"], axis=1), predicted, atol=2e-3)
        np.testing.assert_array_equal(kept["labels"], validation.labels)
        sizes = {split: len(kept[key]) for split in ("training", "validation") if (key := f"{split}_features") in kept}
    assert sizes == ({"training": 24, "validation": 16} if name in ("transfer", "fine_tuned", "linear") else {})
    last = read_json(finished / f"plots/history/{name}.json")[-1]
    assert last["val_accuracy"] == metrics.accuracy_score(validation.labels, predicted.argmax(axis=1))
    rounding = 1e-5 if name in ("cnn", "augmented", "preprocessed") else 1e-4  # of features, float16
    assert last["val_loss"] == pytest.approx(metrics.log_loss(validation.labels, predicted), abs=rounding)
    classes = predicted.argmax(axis=1)
    others = {
        "balanced_accuracy": round(metrics.balanced_accuracy_score(validation.labels, classes), 6),
        "macro_f1": round(metrics.f1_score(validation.labels, classes, average="macro", zero_division=0), 6),
    }
    assert scores["validation"] == {"accuracy": last["val_accuracy"], "loss": last["val_loss"], **others}


class Divided(keras.Model):
    """A model that takes each batch, which it must divide evenly, in parts: each has a dropout of its own."""

    def __init__(self, model: keras.Model, parts: int) -> None:
        super().__init__()
        self.model, self.parts = model, parts

    def call(self, pixels: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.concat([self.model(part, training=training) for part in tf.split(pixels, self.parts)], axis=0)


def test_cnn_is_what_plain_keras_trains_on_the_training_list(finished: Path) -> None:
    """The notebook's layers, the same photos, order, optimizer and seed; and ``augmented`` is not that."""
    content = yaml.safe_load((finished / "params.yaml").read_text())
    params, size = content["train"] | {"seed": content["seed"]}, content["image_size"]
    photos = read_photos(finished, "train")
    keras.utils.clear_session()
    keras.utils.set_random_seed(params["seed"])
    layers = [keras.Input((size, size, 3)), keras.layers.Rescaling(1 / 255), *notebook_convolutions(classes=2)]
    model = keras.Sequential(layers)
    trainer = Divided(model, params["micro_batches"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trainer.compile(keras.optimizers.Adam(params["learning_rate"]), loss)
    for epoch in range(params["epochs"]):
        order = np.random.default_rng([params["seed"], epoch, 0]).permutation(len(photos.labels))
        trainer.fit(*(array[order] for array in photos), batch_size=params["batch_size"], shuffle=False, verbose=0)
    trained, augmented = load(finished, "cnn"), load(finished, "augmented")
    for ours, theirs in zip(trained.get_weights(), model.get_weights(), strict=True):
        # The mean: where a gradient is next to nothing, rounding decides the direction of one of Adam's steps.
        assert np.abs(ours - theirs).mean() < 1e-4
    # Their configs differ in augmentation alone: without it, they would be the same model.
    differences = [np.abs(a - b).max() for a, b in zip(trained.get_weights(), augmented.get_weights(), strict=True)]
    assert max(differences) > 0.01
