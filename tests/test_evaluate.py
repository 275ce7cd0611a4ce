"""The evaluation of one model, from its files and predictions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from stages.common.cli import UserError
from stages.common.paths import HISTORY, MODELS, REPEATS
from stages.evaluate import check_leftovers, evaluate, repeated_models
from stages.evaluation import results
from stages.evaluation.results import Evaluation
from stages.evaluation.scores import rounded
from stages.inference.confidence import Confidence
from stages.inference.logits import Outputs

PHOTOS = pd.DataFrame({"path": ["0.jpg", "1.jpg", "2.jpg"], "label": ["cats", "cats", "dogs"]})
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
TEST = results.TestSet(PHOTOS, ["cats", "dogs"], PIXELS, np.array([0, 0, 1]), baseline=2 / 3)
CNN = MODELS / "cnn.keras"
ALWAYS_DOGS = Outputs(np.log([[0.25, 0.75]] * 3))


@pytest.fixture
def files(workspace: Path) -> None:
    """The files of a trained model; of the model itself only that there is one."""
    for folder in (MODELS, HISTORY, REPEATS / "cnn/history"):
        folder.mkdir(parents=True)
    CNN.touch()
    (MODELS / "cnn.json").write_text(json.dumps({"environment": ["Python 3"]}))
    np.savez(MODELS / "cnn.npz", labels=[0, 0, 1], logits=[[1, 0], [0, 1], [1, 0]])
    record = {"epoch": 1, "accuracy": 0.5, "loss": 0.7, "val_accuracy": 0.4, "val_loss": 0.8}
    (HISTORY / "cnn.json").write_text(json.dumps([record]))
    (REPEATS / "cnn/history/cnn.7.json").write_text(json.dumps([{**record, "val_accuracy": 0.3}]))
    (REPEATS / "cnn/cnn.7.json").write_text(json.dumps({"environment": ["Python 4"]}))
    np.savez(REPEATS / "cnn/cnn.7.npz", labels=[0, 0, 1], logits=[[1, 0]] * 3)


def confidence_in(evaluation: Evaluation) -> list[float]:
    return list(evaluation.predictions.confidence)


@pytest.mark.usefixtures("files")
def test_a_model_is_evaluated_from_its_files(caplog: pytest.LogCaptureFixture) -> None:
    evaluation = evaluate(CNN, ALWAYS_DOGS, Confidence(), TEST)
    assert (evaluation.name, evaluation.environment) == ("cnn", ["Python 3"])
    assert evaluation.history["val_loss"].tolist() == [0.8]
    assert confidence_in(evaluation) == pytest.approx([0.75] * 3)
    assert evaluation.scores["test"]["accuracy"] == 1 / 3
    assert evaluation.scores["validation"]["balanced_accuracy"] == 0.25
    assert "confidence" not in evaluation.scores
    assert evaluation.mistakes["path"].tolist() == ["0.jpg", "1.jpg"]
    assert caplog.messages == ["cnn is no better than the majority-class baseline on the test photos"]


@pytest.mark.usefixtures("files")
def test_a_temperature_has_scores_before_and_after() -> None:
    before = evaluate(CNN, ALWAYS_DOGS, Confidence(), TEST).scores
    evaluation = evaluate(CNN, ALWAYS_DOGS, Confidence(temperature=2), TEST)
    dogs = 3**0.5 / (1 + 3**0.5)
    assert confidence_in(evaluation) == pytest.approx([dogs] * 3)
    assert evaluation.scores["test"]["ece"] == pytest.approx(dogs - 1 / 3, abs=1e-6)
    expected = {"temperature": 2, "ece_before": 5 / 12, "loss_before": before["test"]["loss"]}
    assert evaluation.scores["confidence"] == pytest.approx(expected)


@pytest.mark.usefixtures("files")
def test_a_threshold_has_its_coverage_and_accuracy() -> None:
    outputs = Outputs(np.log([[0.2, 0.8], [0.4, 0.6], [0.1, 0.9]]))
    scores = rounded(evaluate(CNN, outputs, Confidence(log_odds_threshold=logit(0.7)), TEST).scores["confidence"])
    assert (scores["unsure_below"], scores["coverage"], scores["sure_accuracy"]) == (0.7, 0.666667, 0.5)
    assert (scores["sure_accuracy_low"], scores["sure_accuracy_high"]) == pytest.approx((0.0945, 0.9055), abs=1e-4)


@pytest.mark.usefixtures("files")
def test_photos_unlike_the_training_photos_are_counted() -> None:
    outputs = Outputs(ALWAYS_DOGS.logits, np.array([[1, 0], [0.9, 0.1], [0, 1]]))
    confidence = Confidence(distance_threshold=0.5, training_features=np.array([[1.0, 0.0]]))
    evaluation = evaluate(CNN, outputs, confidence, TEST)
    assert evaluation.scores["confidence"] == {"unlike": 1 / 3}
    assert confidence_in(evaluation) == pytest.approx([0.75] * 3)


@pytest.mark.usefixtures("files")
def test_a_run_from_another_seed_is_scored_from_its_own_files() -> None:
    evaluation = evaluate(REPEATS / "cnn/cnn.7.keras", ALWAYS_DOGS, Confidence(), TEST)
    validation = evaluation.scores["validation"]
    assert (validation["accuracy"], validation["balanced_accuracy"]) == (0.3, 0.5)
    assert evaluation.environment == ["Python 4"]
    assert evaluation.scores["test"] == evaluate(CNN, ALWAYS_DOGS, Confidence(), TEST).scores["test"]


@pytest.mark.usefixtures("files")
def test_runs_from_other_seeds_are_those_that_train_listed() -> None:
    with pytest.raises(UserError, match=r"^expected data/repeats/cnn/seeds.json, .* run `dvc repro train@cnn`$"):
        repeated_models("cnn")
    (REPEATS / "cnn/seeds.json").write_text("[9, 10]")
    repeated = repeated_models("cnn")
    assert [(seed, path.name) for seed, path in repeated.items()] == [(9, "cnn.9.keras"), (10, "cnn.10.keras")]


@pytest.mark.usefixtures("files")
def test_files_of_a_removed_model_are_refused() -> None:
    check_leftovers({"cnn"})
    found = "data/models/cnn.json data/models/cnn.keras data/models/cnn.npz data/repeats/cnn plots/"
    with pytest.raises(UserError, match=rf"\(wide\), found files of others: `rm -r {found}"):
        check_leftovers({"wide"})


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("content", ["", "[1]", '{"environment": 1}', "<<<<<<< HEAD"])
def test_a_damaged_description_of_a_model_is_one_line(content: str) -> None:
    (MODELS / "cnn.json").write_text(content)
    with pytest.raises(UserError, match=r"^expected JSON .* in data/models/cnn.json, .*: run `dvc repro train@cnn`$"):
        evaluate(CNN, ALWAYS_DOGS, Confidence(), TEST)
