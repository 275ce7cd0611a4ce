"""Score every model on the test photos, and choose the best on validation.

It is the first step in which a model sees the test photos (``label_stats`` only counts them).

Reads the models, their environments, histories and logits on the validation photos, the lists and the test photos.
Writes for each model ``metrics/models/MODEL.json``, ``plots/confusion/MODEL.csv``, ``plots/accuracy/MODEL.png`` and
``plots/mistakes/MODEL.png``; for all of them ``plots/curves.csv``, ``plots/roc.csv``, ``plots/calibration.png``,
``plots/coverage.png``, ``metrics/best.json`` and ``metrics/report.md``, the results on one page; for the best
``plots/confusion.png`` and ``plots/gradcam.png``. A model's trainings from other seeds (``data/repeats/``) are scored
with it.
``data/predictions/MODEL.npz`` is kept between runs: a model is loaded and predicts only if what it depends on changed.
"""

import json
import logging
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.common.cli import UserError, run
from stages.common.params import ConfidenceSettings, load_params
from stages.common.paths import BEST, HISTORY, MODELS, REPEATS, REPORT
from stages.evaluation.calibration import draw_calibration
from stages.evaluation.confusion import draw_confusion
from stages.evaluation.coverage import draw_coverage, score_unsure
from stages.evaluation.curves import draw_accuracy, learning_curves, mean_roc_curve
from stages.evaluation.figures import write_figure
from stages.evaluation.gradcam import draw_gradcam
from stages.evaluation.mistakes import draw_mistakes, find_mistakes
from stages.evaluation.report import report
from stages.evaluation.results import Evaluation, Predictions, TestSet
from stages.evaluation.scores import leaderboard, ranking, rounded, score, score_temperature
from stages.evaluation.significance import compare, compare_with_best
from stages.inference.confidence import Confidence, read_confidence
from stages.inference.logits import Outputs, load_model
from stages.inference.prediction_cache import PredictionCache, delete_others
from stages.models.runtime import make_deterministic
from stages.photos.loading import load_photos
from stages.storage.files import write_csv, write_json, write_text
from stages.storage.photo_lists import class_names, majority_class_accuracy, read_split

logger = logging.getLogger(__name__)

SCORES = Path("metrics/models")
ACCURACY_FIGURES = Path("plots/accuracy")
CALIBRATION_FIGURE = Path("plots/calibration.png")
CONFUSION = Path("plots/confusion")
CONFUSION_FIGURE = Path("plots/confusion.png")
COVERAGE_FIGURE = Path("plots/coverage.png")
CURVES = Path("plots/curves.csv")
GRADCAM_FIGURE = Path("plots/gradcam.png")
MISTAKES_FIGURES = Path("plots/mistakes")
ROC = Path("plots/roc.csv")
SPLITS_SCORED = ("train", "validation", "test")


def main() -> None:
    params = load_params()
    check_leftovers(set(params.models))
    make_deterministic(params.train.seed)
    lists = {split: read_split(split) for split in ("train", "validation", "test", "rejected", "copies")}
    classes = class_names(lists["test"]["label"])
    photos = load_photos(lists["test"], classes, params.image_size)
    test = TestSet(lists["test"], classes, *photos, majority_class_accuracy(lists["train"], lists["test"]))

    predictions = PredictionCache(test.pixels)
    repeats = {name: repeated_models(name) for name in params.models}
    delete_others([*repeats, *(path.stem for paths in repeats.values() for path in paths.values())])
    rank_by = params.evaluate.rank_by
    evaluations = [
        evaluate_with_repeats(name, repeats[name], params.confidence, predictions, test) for name in params.models
    ]
    ranked = ranking(evaluations, rank_by)
    best = ranked[0]
    correct = {evaluation.name: evaluation.predictions.correct for evaluation in evaluations}
    table = leaderboard(ranked, test.baseline, rank_by)

    for evaluation in evaluations:
        write_evaluation(evaluation, test)
    curves = [learning_curves(evaluation.history).assign(model=evaluation.name) for evaluation in evaluations]
    write_csv(pd.concat(curves), CURVES)
    roc = [mean_roc_curve(evaluation.predictions).assign(model=evaluation.name) for evaluation in evaluations]
    write_csv(pd.concat(roc), ROC)
    write_figure(draw_calibration(evaluations), CALIBRATION_FIGURE)
    write_figure(draw_coverage(evaluations), COVERAGE_FIGURE)
    best_scores = {split: best.scores[split] for split in SPLITS_SCORED}
    pairs = compare(correct)
    pairs[["p", "p_holm"]] = pairs[["p", "p_holm"]].map(lambda p: float(f"{p:.4g}"))
    write_json({"model": best.name, **rounded(best_scores), "comparisons": pairs.to_dict("records")}, BEST)
    write_figure(draw_gradcam(load_model(MODELS / f"{best.name}.keras"), best, test), GRADCAM_FIGURE)
    write_figure(draw_confusion(best.name, best.predictions, test.classes), CONFUSION_FIGURE)
    comparisons = compare_with_best(best.name, correct)
    write_text(report(lists, ranked, table, comparisons, rank_by, params.label_issues), REPORT)
    logger.info("%s\nbest on validation: %s", table.to_string(index=False), best.name)


def check_leftovers(names: set[str]) -> None:
    """Refuse models that ``params.yaml`` no longer has: they would count as this step's input in ``dvc.lock``."""
    files = [path for folder in (MODELS, HISTORY, REPEATS) for path in folder.glob("*")]
    found = sorted(path for path in files if path.name.split(".")[0] not in {"", *names})  # "" of unfinished ones
    if found:
        listed = ", ".join(sorted(names))
        command = shlex.join(["rm", "-r", *map(str, found)])
        raise UserError(f"expected only models of params.yaml ({listed}), found files of others: `{command}`")


def evaluate_with_repeats(
    name: str, repeats: dict[int, Path], settings: ConfidenceSettings, predictions: PredictionCache, test: TestSet
) -> Evaluation:
    """Score a model, and its trainings from other seeds, which are saved at ``repeats``."""
    path = MODELS / f"{name}.keras"
    confidence = read_confidence(path.with_suffix(".npz"), settings)
    outputs = predictions.predict(path, features=confidence.distance_threshold is not None)
    evaluation = evaluate(path, outputs, confidence, test)
    others = []
    for seed, other in repeats.items():
        temperature = read_confidence(
            other.with_suffix(".npz"), ConfidenceSettings(temperature_scaling=settings.temperature_scaling)
        )
        scores = evaluate(other, predictions.predict(other), temperature, test).scores
        others.append({"seed": seed, **{split: scores[split] for split in SPLITS_SCORED}})
    return replace(evaluation, repeats=others)


def evaluate(path: Path, outputs: Outputs, confidence: Confidence, test: TestSet) -> Evaluation:
    """Score a model, saved at ``path``, by its outputs for the test photos."""
    name, histories = path.stem, HISTORY if path.parent == MODELS else path.parent / "history"
    history = pd.read_json(histories / f"{name}.json", precise_float=True)
    environment = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["environment"]
    predictions = Predictions(test.labels, confidence.scaled(outputs.logits))
    validation = validation_predictions(path.with_suffix(".npz"))
    scores = score(history, validation, predictions, test.classes, test.baseline)
    scores |= score_confidence(confidence, outputs, predictions)
    if scores["test"]["gain_over_baseline"] <= 0:
        logger.warning("%s is no better than the majority-class baseline on the test photos", name)
    mistakes = find_mistakes(test.photos, predictions, test.classes)
    return Evaluation(name, history, environment, predictions, scores, mistakes)


def validation_predictions(path: Path) -> Predictions:
    """Read what a model predicted on the validation photos when its training ended."""
    with np.load(path, allow_pickle=False) as saved:
        return Predictions(saved["labels"], Confidence().scaled(saved["logits"]))


def score_confidence(confidence: Confidence, outputs: Outputs, predictions: Predictions) -> dict[str, Any]:
    """Score what ``confidence`` in ``params.yaml`` asks for, under that name; nothing where it asks for nothing."""
    scores: dict[str, Any] = {}
    if confidence.temperature:
        before = Predictions(predictions.labels, Confidence().scaled(outputs.logits))
        scores |= score_temperature(confidence.temperature, before)
    if confidence.log_odds_threshold is not None:
        scores |= score_unsure(confidence.log_odds_threshold, predictions)
    if outputs.features is not None:
        scores["unlike"] = float(confidence.unlike(outputs.features).mean())
    return {"confidence": scores} if scores else {}


def repeated_models(name: str) -> dict[int, Path]:
    """Find a model's trainings from other seeds: by seed, in the order of these, where each is saved."""
    seeds = REPEATS / name / "seeds.json"
    if not seeds.exists():
        raise UserError(f"expected {seeds}, found none: run `dvc repro train@{name}`")
    return {seed: seeds.with_name(f"{name}.{seed}.keras") for seed in json.loads(seeds.read_text(encoding="utf-8"))}


def write_evaluation(evaluation: Evaluation, test: TestSet) -> None:
    """Write what concerns one model."""
    name = evaluation.name
    predicted = np.take(test.classes, evaluation.predictions.predicted)
    scores = {**evaluation.scores, "environment": evaluation.environment}
    scores |= {"repeats": evaluation.repeats} if evaluation.repeats else {}
    write_json(rounded(scores), SCORES / f"{name}.json")
    write_csv(pd.DataFrame({"actual": test.photos["label"], "predicted": predicted}), CONFUSION / f"{name}.csv")
    write_figure(draw_accuracy(name, evaluation.history), ACCURACY_FIGURES / f"{name}.png")
    write_figure(draw_mistakes(name, evaluation.mistakes), MISTAKES_FIGURES / f"{name}.png")


if __name__ == "__main__":
    run(main, __doc__)
