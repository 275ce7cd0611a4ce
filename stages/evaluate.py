"""Score every model on the test photos, and choose the best by validation accuracy.

Here the models meet the test photos for the first time; before, ``label_stats`` only counts them.

Reads the models, what they were trained on, their histories, the lists and the test photos. Writes for each
model ``metrics/models/MODEL.json``, ``plots/confusion/MODEL.csv``, ``plots/accuracy/MODEL.png`` and
``plots/mistakes/MODEL.png``, for all of them ``metrics/best.json``, ``plots/curves.csv``, ``plots/roc.csv`` and
``plots/calibration.png``, for the best ``plots/gradcam.png``, and ``metrics/report.md``, all of it on one page.
"""

import json
import logging
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.common.figures import write_figure
from stages.common.files import write_csv, write_json, write_text
from stages.common.params import load_params
from stages.common.paths import BEST, HISTORY, MODELS
from stages.common.program import UserError, run
from stages.evaluation.calibration import describe_calibration, draw_calibration
from stages.evaluation.curves import curve_of, draw_accuracy, roc_of
from stages.evaluation.gradcam import choose_photos, draw_heat, heat_maps
from stages.evaluation.mistakes import draw_mistakes, find_mistakes
from stages.evaluation.report import report
from stages.evaluation.scores import leaderboard, ranking, score
from stages.evaluation.significance import compare
from stages.inference.model import load_model, predict_probabilities
from stages.models.runtime import make_deterministic
from stages.photos.arrays import ArrayStore, MemoryBudget, load_photos
from stages.photos.lists import class_names, majority_class_accuracy, read_split

logger = logging.getLogger(__name__)

SCORES = Path("metrics/models")
REPORT = Path("metrics/report.md")
ACCURACY_PICTURES = Path("plots/accuracy")
CONFUSION = Path("plots/confusion")
CURVES = Path("plots/curves.csv")
ROC = Path("plots/roc.csv")
CALIBRATION_PICTURE = Path("plots/calibration.png")
MISTAKES_PICTURES = Path("plots/mistakes")
GRADCAM_PICTURE = Path("plots/gradcam.png")


def main() -> None:
    params = load_params()
    check_leftovers(set(params.models))
    lists = {split: read_split(split) for split in ("train", "validation", "test", "rejected")}
    photos = lists["test"]
    classes = class_names(photos["label"])
    guessing = majority_class_accuracy(lists["train"], photos)
    make_deterministic(params.train.seed, params.train.threads)
    pixels, labels = load_photos(photos, classes, params.train.image_size, MemoryBudget(params.memory_gib))

    scores, probabilities, mistakes, curves, roc = {}, {}, {}, [], []
    for name in params.models:
        model = load_model(MODELS / f"{name}.keras")
        history = pd.read_json(HISTORY / f"{name}.json", precise_float=True)
        probabilities[name] = predict_probabilities(model, pixels, params.train.batch_size)

        scores[name] = score(history, labels, probabilities[name], classes, guessing)
        scores[name]["environment"] = json.loads((MODELS / f"{name}.json").read_text(encoding="utf-8"))["environment"]
        if scores[name]["test"]["gain_over_baseline"] <= 0:
            logger.warning("%s is no better on the test photos than always guessing the commonest class", name)
        predicted = np.take(classes, probabilities[name].argmax(axis=1))
        mistakes[name] = find_mistakes(photos, probabilities[name], classes)
        curves.append(curve_of(history).assign(model=name))
        roc.append(roc_of(labels, probabilities[name]).assign(model=name))
        write_csv(pd.DataFrame({"actual": photos["label"], "predicted": predicted}), CONFUSION / f"{name}.csv")
        write_figure(draw_accuracy(name, history), ACCURACY_PICTURES / f"{name}.png")
        write_figure(draw_mistakes(name, mistakes[name]), MISTAKES_PICTURES / f"{name}.png")
        write_json(scores[name], SCORES / f"{name}.json")

    write_csv(pd.concat(curves), CURVES)
    write_csv(pd.concat(roc), ROC)
    write_figure(draw_calibration(labels, probabilities), CALIBRATION_PICTURE)

    best = ranking(scores)[0]
    comparisons = compare(labels, {name: of.argmax(axis=1) for name, of in probabilities.items()})
    parts = {part: scores[best][part] for part in ("train", "validation", "test")}
    write_json({"model": best, **parts, "comparisons": comparisons}, BEST)
    write_figure(draw_reasons(best, pixels, labels, probabilities[best], classes), GRADCAM_PICTURE)
    table = leaderboard(scores, guessing, len(photos))
    calibration = describe_calibration(labels, probabilities[best])
    write_text(report(lists, scores, table, comparisons, mistakes[best], calibration), REPORT)
    logger.info("%s", table.to_string(index=False))


def check_leftovers(names: set[str]) -> None:
    """Refuse models that ``params.yaml`` no longer has: they would count as this step's input in ``dvc.lock``."""
    files = [path for folder in (MODELS, HISTORY) for path in folder.glob("*")]
    found = sorted(path for path in files if path.name.split(".")[0] not in {"", *names})  # "" of unfinished ones
    if found:
        paths = " ".join(str(path) for path in found)
        raise UserError(f"expected only models of params.yaml ({', '.join(sorted(names))}): delete {paths}")


def draw_reasons(
    best: str, pixels: ArrayStore, labels: np.ndarray, probabilities: np.ndarray, classes: list[str]
) -> Figure:
    """Show what the best model looked at, on some photos that it gets right and then some that it does not."""
    chosen = np.concatenate(choose_photos(labels, probabilities))
    titles = []
    for label, of in zip(labels[chosen], probabilities[chosen], strict=True):
        verdict = "rightly" if of.argmax() == label else f"taken for {classes[of.argmax()]}"
        titles.append(fill(f"{classes[label]}, {verdict} ({of.max():.3f})", 28))
    return draw_heat(best, pixels[chosen], heat_maps(load_model(MODELS / f"{best}.keras"), pixels[chosen]), titles)


if __name__ == "__main__":
    run(main, __doc__)
