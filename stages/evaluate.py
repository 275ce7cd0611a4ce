"""Score every model on the test photos, and select the best on validation.

It is the first step in which a model sees the test photos. Reads the models with what ``train`` wrote beside them, also
those from other seeds (``data/repeats/``), the lists and the test photos. Writes:

    of all models    metrics/report.md, metrics/best.json, plots/curves.csv,
                     plots/roc.csv, plots/calibration.png, plots/coverage.png
    of each model    metrics/models/MODEL.json, plots/accuracy/MODEL.png,
                     plots/mistakes/MODEL.png, plots/confusion/MODEL.csv
    of the best      plots/confusion.png, plots/gradcam.png

``metrics/costs.md`` has measured times, and is not an output. ``data/predictions/`` and ``data/figures/`` are caches: a
model predicts again only if an input of its predictions has changed, and a figure is drawn again only if what it shows
has.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from stages.common.cli import UserError, logger, run
from stages.common.params import ConfidenceSettings, Params, load_params
from stages.common.paths import BEST, HISTORY, MODELS, RAW, REPEATS, REPORT, SPLIT_NAMES, history_of, retrain_advice
from stages.evaluation import costs, figures, gradcam, plots, report, scores, significance
from stages.evaluation.results import Evaluation, Predictions, TestSet
from stages.inference.calibration import fit_calibration, read_validation
from stages.inference.prediction_cache import PredictionCache
from stages.photos.decode import load_pixels
from stages.photos.shards import open_shards, read_directory
from stages.storage.files import check_leftovers, explain_unreadable, read_json, write_csv, write_json, write_text
from stages.storage.photo_lists import class_names, encode_labels, hash_lists, majority_class_accuracy, read_lists

MAX_LISTED = 100  # classes in a file of metrics, which git keeps


def main() -> None:
    params = load_params()
    check_leftovers([MODELS, HISTORY, REPEATS], params.models, "models")
    lists = read_lists(*SPLIT_NAMES, "rejected", "copies")
    rank_by = params.evaluate.rank_by
    test = load_test_set(lists, params)
    cache = PredictionCache(test.pixels)
    evaluations = evaluate_models(params, test, cache, {split: len(table) for split, table in lists.items()})
    ranked = scores.ranking(evaluations, rank_by)
    heat_maps = gradcam.gradcam_figure(MODELS / f"{ranked[0].name}.keras", ranked[0], test, cache)
    # Not only the pixels: figures also show what `image_fit: crop` cuts off.
    directories = (str(read_directory(shard)) for shard in open_shards(str(RAW)).paths)
    figure_cache = figures.FigureCache([cache.key, *directories])
    writers: dict[str, Any] = {".csv": write_csv, ".json": write_json, ".png": figure_cache.write}
    for path, content in outputs(evaluations, ranked, test, heat_maps):
        writers[path.suffix](content, path)
    cache.delete_unused()
    figure_cache.delete_unused()
    table = report.leaderboard(ranked, test.baseline, rank_by)
    write_text(report.report(lists, ranked, table, rank_by, params.label_issues), REPORT)
    logger.info("%s\nbest on validation: %s (%s)", table.to_string(index=False), ranked[0].name, REPORT)
    costs.write_measured(ranked)


def load_test_set(lists: dict[str, pd.DataFrame], params: Params) -> TestSet:
    photos = lists["test"]
    classes = class_names(photos["label"])
    return TestSet(
        photos,
        classes,
        pixels=load_pixels(list(photos["path"]), params.image_size, params.image_fit),
        labels=encode_labels(photos["label"], classes),
        baseline=majority_class_accuracy(lists["train"], photos),
        image_fit=params.image_fit,
        lists=hash_lists(lists),
    )


def evaluate_models(params: Params, test: TestSet, cache: PredictionCache, counts: dict[str, int]) -> list[Evaluation]:
    """Evaluate each model and its training runs from other seeds; ``counts`` are the photos of each list."""
    scaling = ConfidenceSettings(temperature_scaling=params.confidence.temperature_scaling)
    models, features = params.models, params.features
    evaluations = []
    for name, config in models.items():
        path = MODELS / f"{name}.keras"
        model = evaluate_model(path, params.confidence, test, cache)
        repeats = []
        for seed in read_seeds(name):
            repeat = evaluate_model(REPEATS / name / f"{name}.{seed}.keras", scaling, test, cache)
            repeats.append({"seed": seed, **{split: repeat.scores[split] for split in SPLIT_NAMES}})
        cost = costs.cost_of(path, cache.sizes[name], features.get(config.features), len(model.history), counts)
        evaluations.append(replace(model, cost=cost, repeats=repeats))
    return evaluations


def evaluate_model(path: Path, settings: ConfidenceSettings, test: TestSet, cache: PredictionCache) -> Evaluation:
    """Evaluate a model by its predictions and what `train` wrote beside it."""
    environment = read_environment(path, test)
    history = read_history(path)
    arrays = read_validation(path.with_suffix(".npz"))
    validation = Predictions(arrays["labels"], arrays["logits"])
    calibration = fit_calibration(arrays, settings)
    outputs = cache.predict(path, features=calibration.distance_threshold is not None)
    model = scores.evaluate(path.stem, history, validation, outputs, calibration, test)
    if model.scores["test"]["gain_over_baseline"] <= 0:
        text = "%s: accuracy on the test photos no better than the majority-class baseline's (balanced accuracy %.3f)"
        logger.warning(text, path.stem, model.scores["test"]["balanced_accuracy"])
    return replace(model, environment=environment)


def read_seeds(name: str) -> list[int]:
    """Read the further seeds that a model was trained from, in that order."""
    return read_json(REPEATS / name / "seeds.json", list, f"run `dvc repro train@{name}`")


def read_environment(model: Path, test: TestSet) -> list[str]:
    """Read the environment of a training run; refuse a model of other photos or labels, or of another ``image_fit``."""
    path, advice = model.with_suffix(".json"), retrain_advice(model)
    about = read_json(path, dict, advice)
    if (trained_with := about.get("image_fit", "stretch")) != test.image_fit:
        raise UserError(f"{path}: expected image_fit {test.image_fit} (params.yaml), received {trained_with}: {advice}")
    if about.get("lists", "") != test.lists:
        raise UserError(f"{path}: expected a model of the photos and labels in data/splits, received another: {advice}")
    with explain_unreadable(path, advice):
        return list(about["environment"])


def read_history(model: Path) -> pd.DataFrame:
    """Read the history of a training run: a row per epoch."""
    columns = {"epoch": int, **dict.fromkeys(("accuracy", "loss", "val_accuracy", "val_loss"), float)}
    return read_json(history_of(model), lambda rows: pd.DataFrame(rows).astype(columns), retrain_advice(model))


def outputs(
    evaluations: list[Evaluation], ranked: list[Evaluation], test: TestSet, heat_maps: partial[Figure]
) -> Iterator[tuple[Path, Any]]:
    """Yield path and content of every output but the report; the content of a figure is what draws it."""
    for model in evaluations:
        name, predicted = model.name, model.photos[["label", "predicted"]]
        yield Path(f"metrics/models/{name}.json"), model_metrics(model)
        yield Path(f"plots/confusion/{name}.csv"), predicted.rename(columns={"label": "actual"})
        yield Path(f"plots/accuracy/{name}.png"), partial(plots.draw_accuracy, name, model.history)
        yield Path(f"plots/mistakes/{name}.png"), partial(plots.draw_mistakes, name, model.mistakes)
    curves = [scores.learning_curves(model.history).assign(model=model.name) for model in evaluations]
    yield Path("plots/curves.csv"), pd.concat(curves)
    yield Path("plots/roc.csv"), pd.concat([model.roc.assign(model=model.name) for model in evaluations])
    best, best_names = ranked[0], {model.name for model in ranked[: plots.MAX_MODELS]}
    drawn = [model for model in evaluations if model.name in best_names]  # of 100 models there are 4,950 pairs
    left_out = len(evaluations) - len(drawn)
    note = f"\n(the {len(drawn)} best on validation of {len(evaluations)} models)" if left_out else ""
    yield Path("plots/calibration.png"), partial(plots.draw_calibration, drawn, note)
    yield Path("plots/coverage.png"), partial(plots.draw_coverage, drawn, note)
    pairs = significance.compare({model.name: model.photos["correct"] for model in drawn})
    pairs[["p", "p_holm"]] = pairs[["p", "p_holm"]].map(lambda p: float(f"{p:.4g}"))
    best_scores = scores.rounded({split: best.scores[split] for split in SPLIT_NAMES})
    not_compared = {"models_not_compared": left_out} if left_out else {}
    yield BEST, {"model": best.name, **best_scores, "comparisons": pairs.to_dict("records"), **not_compared}
    yield Path("plots/gradcam.png"), heat_maps
    yield Path("plots/confusion.png"), partial(plots.draw_confusion, best.name, best.photos, test.classes)


def model_metrics(model: Evaluation) -> Any:
    """Return what git keeps of a model: of many classes, those with the lowest recall."""
    metrics = dict(model.scores)
    if (left_out := len(metrics["classes"]) - MAX_LISTED) > 0:
        metrics["classes"] = sorted(metrics["classes"], key=lambda row: row["recall"])[:MAX_LISTED]
        metrics["classes_left_out"] = left_out
    metrics["environment"] = model.environment
    return scores.rounded(metrics | ({"repeats": model.repeats} if model.repeats else {}))


if __name__ == "__main__":
    run(main, __doc__)
