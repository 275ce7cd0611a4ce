"""Score every model on the test photos, and select the best on validation.

It is the first step in which a model sees the test photos (``label_stats`` only counts them).

Reads the models, their training runs from other seeds (``data/repeats/``), environments, histories and logits on the
validation photos, the lists and the test photos. Writes for each model ``metrics/models/MODEL.json``,
``plots/confusion/MODEL.csv``, ``plots/accuracy/MODEL.png`` and ``plots/mistakes/MODEL.png``; for all of them
``plots/curves.csv``, ``plots/roc.csv``, ``plots/calibration.png``, ``plots/coverage.png``, ``metrics/best.json`` and
``metrics/report.md``, the results on one page; for the best ``plots/confusion.png`` and ``plots/gradcam.png``.
``data/predictions/MODEL.npz`` caches its predictions: a model predicts again only if an input of these has changed.
"""

import json
import logging
import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pandas.api.types import is_numeric_dtype

from stages.common.cli import UserError, run
from stages.common.param_types import ImageFit
from stages.common.params import ConfidenceSettings, Params, load_params
from stages.common.paths import BEST, COSTS_TABLE, HISTORY, MODELS, REPEATS, REPORT
from stages.evaluation import plots, scores
from stages.evaluation.costs import cost_of, measured_table
from stages.evaluation.figure_cache import FigureCache
from stages.evaluation.gradcam import gradcam_figure
from stages.evaluation.report import leaderboard, markdown_table, report
from stages.evaluation.results import Evaluation, Predictions, TestSet
from stages.evaluation.significance import compare
from stages.inference.confidence import Confidence, read_confidence, read_validation
from stages.inference.logits import Outputs, existing_model
from stages.inference.prediction_cache import PredictionCache
from stages.photos.decode import load_pixels
from stages.storage.arrays import encode_labels
from stages.storage.files import json_value, write_csv, write_json, write_text
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
HISTORY_COLUMNS = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
MAX_CLASSES = 100  # in a file of metrics, which git keeps
SPLITS_SCORED = ("train", "validation", "test")
WRITERS: dict[str, Any] = {".csv": write_csv, ".json": write_json, ".md": write_text}


def main() -> None:
    params = load_params()
    check_leftovers(set(params.models))
    lists = {split: read_split(split) for split in ("train", "validation", "test", "rejected", "copies")}
    classes = class_names(lists["test"]["label"])
    pixels = load_pixels(list(lists["test"]["path"]), params.image_size, params.image_fit)
    labels = encode_labels(lists["test"]["label"], classes)
    baseline = majority_class_accuracy(lists["train"], lists["test"])
    test = TestSet(lists["test"], classes, pixels, labels, baseline)
    cache, rank_by = PredictionCache(test.pixels), params.evaluate.rank_by
    photos = {split: len(table) for split, table in lists.items()}
    evaluations = evaluate_models(params, test, cache, photos)
    ranked = scores.ranking(evaluations, rank_by)
    correct = {model.name: model.predictions.correct for model in evaluations}
    gradcam = gradcam_figure(MODELS / f"{ranked[0].name}.keras", ranked[0], test, cache)
    figures = FigureCache(cache.key)
    writers = {**WRITERS, ".png": figures.write}
    for path, content in outputs(evaluations, ranked, compare_best(evaluations, ranked), test, gradcam):
        writers[path.suffix](content, path)
    cache.delete_unused()
    figures.delete_unused()
    table = leaderboard(ranked, test.baseline, rank_by)
    write_text(report(lists, ranked, table, compare(correct, ranked[0].name), rank_by, params.label_issues), REPORT)
    logger.info("%s\nbest on validation: %s", table.to_string(index=False), ranked[0].name)
    write_costs(ranked)


def check_leftovers(names: set[str]) -> None:
    """Refuse models that ``params.yaml`` no longer has: they would count as this step's input in ``dvc.lock``."""
    files = [path for folder in (MODELS, HISTORY, REPEATS) for path in folder.glob("*")]
    leftovers = sorted(path for path in files if path.name.split(".")[0] not in {"", *names})  # "" of unfinished ones
    if leftovers:
        listed = ", ".join(sorted(names))
        command = shlex.join(["rm", "-r", *map(str, leftovers)])
        raise UserError(f"expected only models of params.yaml ({listed}), found files of others: `{command}`")


def evaluate_models(params: Params, test: TestSet, cache: PredictionCache, photos: dict[str, int]) -> list[Evaluation]:
    """Evaluate each model, with the scores of its training runs from other seeds as ``repeats``.

    Args:
        photos: how many are in each split.
    """
    all_features = params.features
    saved = {name: repeated_models(name) for name in params.models}
    scaling = ConfidenceSettings(temperature_scaling=params.confidence.temperature_scaling)

    def evaluate_cached(path: Path, settings: ConfidenceSettings) -> Evaluation:
        check_image_fit(existing_model(path), params.image_fit)
        confidence = read_confidence(path.with_suffix(".npz"), settings)
        outputs = cache.predict(path, features=confidence.distance_threshold is not None)
        return evaluate(path, outputs, confidence, test)

    evaluations = []
    for name, paths in saved.items():
        model = evaluate_cached(MODELS / f"{name}.keras", params.confidence)
        runs = {seed: evaluate_cached(path, scaling).scores for seed, path in paths.items()}
        repeats = [{"seed": seed, **{split: of[split] for split in SPLITS_SCORED}} for seed, of in runs.items()]
        features = all_features.get(params.models[name].features)
        cost = cost_of(MODELS / f"{name}.keras", cache.sizes[name], features, len(model.history), photos)
        evaluations.append(replace(model, cost=cost, repeats=repeats))
    return evaluations


def repeated_models(name: str) -> dict[int, Path]:
    """Return where the training runs of a model from other seeds are saved, by seed, in the order of training."""
    path, advice = REPEATS / name / "seeds.json", f"run `dvc repro train@{name}`"
    content = read_bytes(path, advice)
    try:
        seeds = json.loads(content)
    except (ValueError, RecursionError):
        seeds = None
    if not isinstance(seeds, list) or not all(type(seed) is int for seed in seeds):
        raise UserError(f"expected a list of seeds in {path}, received other content: {advice}")
    return {seed: path.with_name(f"{name}.{seed}.keras") for seed in seeds}


def read_history(path: Path, advice: str) -> pd.DataFrame:
    """Read a history: a row per epoch."""
    content = read_bytes(path, advice)
    try:
        history = pd.read_json(BytesIO(content), precise_float=True)
        if not history.empty and all(is_numeric_dtype(history[column]) for column in HISTORY_COLUMNS):
            return history
    except (ValueError, KeyError):
        pass
    columns = ", ".join(HISTORY_COLUMNS)
    raise UserError(f"expected JSON with {columns} of each epoch in {path}, received other content: {advice}")


def read_bytes(path: Path, advice: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"expected {path}, found none: {advice}") from error


def check_image_fit(path: Path, image_fit: ImageFit) -> None:
    """Raise UserError if a model, saved at ``path``, was trained with another ``image_fit`` than the test photos'."""
    about = path.with_suffix(".json")
    advice = f"run `dvc repro train@{path.stem.partition('.')[0]}`"
    trained_with = json_value(about.read_bytes(), "image_fit", str, about, advice, default="stretch")
    if trained_with != image_fit:
        raise UserError(f"{about}: expected image_fit {image_fit} (params.yaml), received {trained_with}: {advice}")


def evaluate(path: Path, outputs: Outputs, confidence: Confidence, test: TestSet) -> Evaluation:
    """Evaluate a model, saved at ``path``, by its outputs for the test photos."""
    name, histories = path.stem, HISTORY if path.parent == MODELS else path.parent / "history"
    about = path.with_suffix(".json")
    advice = f"run `dvc repro train@{name.partition('.')[0]}`"
    history = read_history(histories / f"{name}.json", advice)
    environment = json_value(read_bytes(about, advice), "environment", list, about, advice)
    arrays = read_validation(path.with_suffix(".npz"))
    validation = Predictions(arrays["labels"], Confidence().scaled(arrays["logits"]))
    predictions = Predictions(test.labels, confidence.scaled(outputs.logits))
    results = scores.score(history, validation, predictions, test.classes, test.baseline)
    if of_confidence := scores.score_confidence(confidence, test.labels, outputs.logits, outputs.features):
        results["confidence"] = of_confidence
    if results["test"]["gain_over_baseline"] <= 0:
        logger.warning("%s is no better than the majority-class baseline on the test photos", name)
    mistakes = scores.find_mistakes(test.photos, predictions, test.classes)
    return Evaluation(name, history, environment, predictions.without_logits(), results, mistakes)


def outputs(
    evaluations: list[Evaluation],
    ranked: list[Evaluation],
    pairs: pd.DataFrame,
    test: TestSet,
    gradcam: "partial[Figure]",
) -> Iterator[tuple[Path, Any]]:
    """Yield path and content of every output but the report; the content of a figure is what draws it."""
    for model in evaluations:
        repeats = {"repeats": model.repeats} if model.repeats else {}
        content = scores.rounded({**listed_scores(model), "environment": model.environment, **repeats})
        predicted = np.take(test.classes, model.predictions.predicted)
        confusion = pd.DataFrame({"actual": test.photos["label"], "predicted": predicted})
        yield SCORES / f"{model.name}.json", content
        yield CONFUSION / f"{model.name}.csv", confusion
        yield ACCURACY_FIGURES / f"{model.name}.png", partial(plots.draw_accuracy, model.name, model.history)
        yield MISTAKES_FIGURES / f"{model.name}.png", partial(plots.draw_mistakes, model.name, model.mistakes)
    yield CURVES, pd.concat([scores.learning_curves(model.history).assign(model=model.name) for model in evaluations])
    yield ROC, pd.concat([scores.mean_roc_curve(model.predictions).assign(model=model.name) for model in evaluations])
    best, best_names = ranked[0], {model.name for model in ranked[: plots.MAX_MODELS]}
    drawn = [model for model in evaluations if model.name in best_names]
    left_out = len(drawn) < len(evaluations)
    note = f"\n(the {len(drawn)} best on validation of {len(evaluations)} models)" if left_out else ""
    yield CALIBRATION_FIGURE, partial(plots.draw_calibration, drawn, note)
    yield COVERAGE_FIGURE, partial(plots.draw_coverage, drawn, note)
    pairs[["p", "p_holm"]] = pairs[["p", "p_holm"]].map(lambda p: float(f"{p:.4g}"))
    best_scores = {split: best.scores[split] for split in SPLITS_SCORED}
    not_compared = {"models_not_compared": len(evaluations) - len(drawn)} if left_out else {}
    comparisons = {"comparisons": pairs.to_dict("records"), **not_compared}
    yield BEST, {"model": best.name, **scores.rounded(best_scores), **comparisons}
    yield GRADCAM_FIGURE, gradcam
    yield CONFUSION_FIGURE, partial(plots.draw_confusion, best.name, best.predictions, test.classes)


def write_costs(ranked: list[Evaluation]) -> None:
    """Log and write what was measured on this machine: no output, as it differs from run to run."""
    models = [(model.name, MODELS / f"{model.name}.keras", model.scores["test"]["accuracy"]) for model in ranked]
    table = measured_table(models)
    COSTS_TABLE.unlink(missing_ok=True)
    if not table.empty:
        write_text(f"# Measured on this machine\n\n{markdown_table(table)}\n", COSTS_TABLE)
        logger.info("measured on this machine:\n%s", table.to_string(index=False, na_rep=""))


def compare_best(evaluations: list[Evaluation], ranked: list[Evaluation]) -> pd.DataFrame:
    """Compare each pair of the models that figures show: of all of 100 models, 4,950 pairs would be in git."""
    best = {model.name for model in ranked[: plots.MAX_MODELS]}
    return compare({model.name: model.predictions.correct for model in evaluations if model.name in best})


def listed_scores(model: Evaluation) -> dict[str, Any]:
    """Return the scores of a model, of many classes those with the lowest recall."""
    classes = model.scores["classes"]
    if len(classes) <= MAX_CLASSES:
        return model.scores
    worst = sorted(classes, key=lambda row: row["recall"])[:MAX_CLASSES]
    return {**model.scores, "classes": worst, "classes_left_out": len(classes) - MAX_CLASSES}


if __name__ == "__main__":
    run(main, __doc__)
