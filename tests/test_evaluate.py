"""The evaluation of one model, from its files and predictions."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stages.common.cli import UserError
from stages.common.params import ConfidenceSettings
from stages.common.paths import BEST, HISTORY, MODELS, REPEATS
from stages.evaluate import evaluate_model, outputs, read_environment, read_seeds
from stages.evaluation import results
from stages.evaluation.results import Evaluation
from stages.inference.calibration import Calibration
from stages.inference.prediction import Outputs
from stages.storage.photo_lists import hash_lists

pytestmark = pytest.mark.usefixtures("files")
PHOTOS = pd.DataFrame({"path": ["0.jpg", "1.jpg", "2.jpg"], "label": ["cats", "cats", "dogs"]})
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
TEST = results.TestSet(PHOTOS, ["cats", "dogs"], PIXELS, np.array([0, 0, 1]), baseline=2 / 3)
CNN, REPEAT = MODELS / "cnn.keras", REPEATS / "cnn/cnn.7.keras"
PLAIN, SOFTMAX = ConfidenceSettings(), Calibration()
RECORD = {"epoch": 1, "accuracy": 0.5, "loss": 0.7, "val_accuracy": 0.4, "val_loss": 0.8}
ALWAYS_DOGS = Outputs(np.log([[0.25, 0.75]] * 3))
CORRECT = Outputs(np.log([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75]]))


@pytest.fixture
def files(workspace: Path) -> None:
    """The files of a trained model; of the model itself only that there is one."""
    for folder in (MODELS, HISTORY, REPEATS / "cnn/history"):
        folder.mkdir(parents=True)
    CNN.touch()
    REPEAT.touch()
    (REPEATS / "cnn/seeds.json").write_text("[7]")
    (MODELS / "cnn.json").write_text(json.dumps({"environment": ["Python 3"]}))
    np.savez(MODELS / "cnn.npz", labels=[0, 0, 1], logits=[[1, 0], [0, 1], [1, 0]])
    (HISTORY / "cnn.json").write_text(json.dumps([RECORD]))
    (REPEATS / "cnn/history/cnn.7.json").write_text(json.dumps([{**RECORD, "val_accuracy": 0.3}]))
    (REPEATS / "cnn/cnn.7.json").write_text(json.dumps({"environment": ["Python 4"]}))
    np.savez(REPEATS / "cnn/cnn.7.npz", labels=[0, 0, 1], logits=[[1, 0]] * 3)


def evaluate(outputs: Outputs, calibration: Calibration = SOFTMAX, path: Path = CNN) -> Evaluation:
    """Evaluate a model of such outputs and calibration."""
    cache = mock.Mock(**{"predict.return_value": outputs})
    with mock.patch("stages.evaluate.fit_calibration", return_value=calibration):
        return evaluate_model(path, PLAIN, TEST, cache)


def evaluate_all_runs() -> None:
    """Evaluate the model and its run from another seed."""
    for path in (CNN, *(REPEATS / f"cnn/cnn.{seed}.keras" for seed in read_seeds("cnn"))):
        evaluate(ALWAYS_DOGS, path=path)


def test_a_model_is_evaluated_from_its_files(caplog: pytest.LogCaptureFixture) -> None:
    evaluation = evaluate(ALWAYS_DOGS)
    assert (evaluation.name, evaluation.environment) == ("cnn", ["Python 3"])
    assert evaluation.history["val_loss"].tolist() == [0.8]
    assert list(evaluation.photos["confidence"]) == pytest.approx([0.75] * 3)
    assert evaluation.scores["test"]["accuracy"] == 1 / 3
    assert evaluation.scores["validation"]["balanced_accuracy"] == 0.25
    assert "confidence" not in evaluation.scores
    assert evaluation.mistakes["path"].tolist() == ["0.jpg", "1.jpg"]
    assert caplog.messages == [
        "cnn: accuracy on the test photos no better than the majority-class baseline's (balanced accuracy 0.500)"
    ]
    always_cats = evaluate(Outputs(-ALWAYS_DOGS.logits))
    assert (always_cats.scores["test"]["gain_over_baseline"], len(caplog.messages)) == (0, 2)


def test_a_temperature_has_scores_before_and_after() -> None:
    before = evaluate(ALWAYS_DOGS).scores
    evaluation = evaluate(ALWAYS_DOGS, Calibration(temperature=2))
    dogs = 3**0.5 / (1 + 3**0.5)
    assert list(evaluation.photos["confidence"]) == pytest.approx([dogs] * 3)
    assert evaluation.scores["test"]["ece"] == pytest.approx(dogs - 1 / 3, abs=1e-6)
    expected = {"temperature": 2, "ece_before": 5 / 12, "loss_before": before["test"]["loss"]}
    assert evaluation.scores["confidence"] == pytest.approx(expected)


def test_photos_unlike_the_training_photos_are_counted() -> None:
    outputs = Outputs(ALWAYS_DOGS.logits, np.array([[1, 0], [0.9, 0.1], [0, 1]]))
    confidence = Calibration(distance_threshold=0.5, training_features=np.array([[1.0, 0.0]]))
    evaluation = evaluate(outputs, confidence)
    assert evaluation.scores["confidence"] == {"unlike": 1 / 3}
    assert list(evaluation.photos["confidence"]) == pytest.approx([0.75] * 3)


def test_a_run_from_another_seed_is_scored_from_its_own_files() -> None:
    evaluation = evaluate(ALWAYS_DOGS, path=REPEAT)
    validation = evaluation.scores["validation"]
    assert (validation["accuracy"], validation["balanced_accuracy"]) == (0.3, 0.5)
    assert evaluation.environment == ["Python 4"]
    assert evaluation.scores["test"] == evaluate(ALWAYS_DOGS).scores["test"]


def test_a_model_of_another_image_fit_is_refused() -> None:
    """One from before there were several was trained on stretched photos."""
    read_environment(CNN, TEST)
    with pytest.raises(UserError, match=r"^data/models/cnn.json: .* crop .*, received stretch: run `dvc repro train@"):
        read_environment(CNN, replace(TEST, image_fit="crop"))
    REPEAT.with_suffix(".json").write_text(json.dumps({"image_fit": "pad", "environment": []}))
    read_environment(REPEAT, replace(TEST, image_fit="pad"))
    with pytest.raises(UserError, match=r"^data/repeats/cnn/cnn.7.json: .*, received pad: run `dvc repro train@cnn`$"):
        read_environment(REPEAT, TEST)


@pytest.mark.parametrize("changed", [{"path": "2.jpg", "label": "cats"}, {"path": "0.jpg", "label": "zebras"}])
def test_a_model_of_other_photos_or_labels_is_refused(changed: dict[str, str]) -> None:
    """`dvc repro --single-item evaluate` leaves out the training: photos it had trained on might be test photos now."""
    lists = {"train": PHOTOS[:1], "validation": PHOTOS[1:2]}
    (MODELS / "cnn.json").write_text(json.dumps({"lists": hash_lists(lists), "environment": []}))
    read_environment(CNN, replace(TEST, lists=hash_lists(lists)))
    for split in lists:
        test = replace(TEST, lists=hash_lists({**lists, split: pd.DataFrame([changed])}))
        with pytest.raises(UserError, match=r"^data/models/cnn.json: .* data/splits, .*: run `dvc repro train@cnn`$"):
            evaluate_model(CNN, PLAIN, test, mock.Mock())


MISSING = [path.with_suffix(suffix) for path in (CNN, REPEAT) for suffix in (".json", ".npz")]
MISSING += [HISTORY / "cnn.json", REPEATS / "cnn/seeds.json"]
OTHER_ROWS: list[Any] = [[], {}, [1], [[]], [{"epoch": 1}], [{**RECORD, "loss": "low"}], [{**RECORD, "epoch": 10**24}]]
ARRAY = BytesIO()
np.save(ARRAY, [0, 1])
DAMAGED = [
    *((MODELS / "cnn.json", text) for text in (b"", b"[1]", b'{"environment": 1}', b"<<<<<<< HEAD", b"[" * 100_000)),
    *((path, text) for path in MISSING[-2:] for text in (b"", b"1", b"[" * 100_000)),
    *((HISTORY / "cnn.json", json.dumps(rows).encode()) for rows in OTHER_ROWS),
    *((MODELS / "cnn.npz", content) for content in (b"", b"PK\3\4 and nothing more", ARRAY.getvalue())),
]


@pytest.mark.parametrize(("path", "content"), [*((path, None) for path in MISSING), *DAMAGED])
def test_a_missing_or_damaged_file_is_one_line(path: Path, content: bytes | None) -> None:
    received = "received .*" if content is not None else "found none"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^expected .*{path}.*, {received}: run `dvc repro train@cnn`$"):
        evaluate_all_runs()


@pytest.mark.parametrize("logits", [[], [[]] * 3, [1, 0, 1], [[1, 0]] * 2, [["1", "0"]] * 3, [[1, None]] * 3], ids=str)
def test_validation_logits_of_another_kind_are_one_line(logits: Any) -> None:
    np.savez(MODELS / "cnn.npz", labels=[0, 0, 1], logits=logits)
    with pytest.raises(UserError, match=r"^expected data/models/cnn.npz as it was .*: run `dvc repro train@cnn`$"):
        evaluate(ALWAYS_DOGS)


def test_metrics_of_many_classes_have_the_lowest_recalls() -> None:
    model = evaluate(CORRECT)
    rows = [{"label": f"class {index}", "precision": 1.0, "recall": index / 1000} for index in range(1000)]
    for classes in (rows[:100][::-1], rows[::-1]):
        model.scores["classes"] = classes
        of_model = dict(outputs_until_best([model], [model]))
        content = of_model[Path("metrics/models/cnn.json")]
        assert len(content["classes"]) == 100
        assert content.get("classes_left_out") == (900 if len(classes) > 100 else None)
        assert {row["label"] for row in content["classes"]} == {f"class {index}" for index in range(100)}


def test_figures_and_pairs_of_many_models_have_the_best_ones() -> None:
    model = evaluate(CORRECT)
    models = [replace(model, name=f"model{index}") for index in range(30)]
    contents = dict(outputs_until_best(models, models[::-1]))
    figure, best = contents[Path("plots/coverage.png")](), contents[BEST]
    labels = {line.get_label() for line in figure.axes[0].lines}
    assert labels == {f"model{index}" for index in range(6, 30)}
    assert "24 best on validation of 30 models" in figure.axes[0].get_title()
    assert len(best["comparisons"]) == 24 * 23 / 2
    assert {pair["second"] for pair in best["comparisons"]} == labels - {"model6"}
    assert best["models_not_compared"] == 6


def outputs_until_best(models: list[Evaluation], ranked: list[Evaluation]) -> Iterator[tuple[Path, Any]]:
    """Yield the outputs before those that load a model."""
    for path, content in outputs(models, ranked, TEST, partial(plt.figure)):
        yield path, content
        plt.close("all")
        if path == BEST:
            return
