"""List the training and validation photos whose labels look wrong, the most suspicious first.

Reads the training and validation lists, the groups, the corrected photos (which it leaves out), the photos, and the
features NAME of a whole backbone. Writes ``plots/label_issues/NAME.csv``, a row per suspicious photo, with an empty
``label`` for a person to fill in; ``NAME.png``, which shows the first of them; and ``data/out_of_fold/NAME.csv``, a row
per photo, with its label, the class predicted out of fold, and the probability of the label.

The method is that of Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.common.cli import logger, run
from stages.common.params import load_entry
from stages.common.paths import LABEL_ISSUES, OUT_OF_FOLD
from stages.evaluation.figures import caption, draw_photos, write_figure
from stages.models import logistic_regression
from stages.storage.feature_sets import open_features
from stages.storage.files import write_csv
from stages.storage.photo_lists import class_names, encode_labels, read_groups, read_list, read_lists

SHOWN = 20


def main() -> None:
    name, params = load_entry(__doc__, "label_issues")
    lists = read_lists("train", "validation")
    arrays = open_features(name, lists)
    pooled = [logistic_regression.pool_first_view(arrays[split], len(listed)) for split, listed in lists.items()]
    photos = pd.concat([listed.assign(split=split) for split, listed in lists.items()], ignore_index=True)
    classes = class_names(photos["label"])
    labels = encode_labels(photos["label"], classes)
    features = np.concatenate(pooled)
    settings = params.label_issues[name]
    folds = logistic_regression.assign_folds(labels, read_groups(photos["path"]), settings.folds, settings.seed)
    strengths = logistic_regression.INVERSE_REGULARIZATIONS
    best, _ = logistic_regression.cross_validate(features, labels, folds, strengths)
    probabilities = logistic_regression.out_of_fold(features, labels, folds, best.inverse_regularization)
    issues = list_issues(photos, classes, probabilities, reviewed=read_list("corrected")["path"])
    write_csv(issues, LABEL_ISSUES / f"{name}.csv")
    write_figure(draw_issues(issues), LABEL_ISSUES / f"{name}.png")
    out_of_fold = photos[["path", "label"]].assign(
        predicted=np.take(classes, probabilities.argmax(axis=1)),
        probability=probabilities[np.arange(len(photos)), labels].round(4),
    )
    write_csv(out_of_fold, OUT_OF_FOLD / f"{name}.csv")
    logger.info("labels that look wrong: %d of %d", len(issues), len(photos))
    if len(issues) > len(photos) / 2:
        logger.warning("the features %s hardly tell the classes apart, so this list says little about labels", name)


def confident_classes(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the class to which each example confidently belongs, or its label if there is none.

    It is the most probable of the classes whose probability reaches their threshold: its mean over the examples with
    that label. Classes less probable than the label do not count: one of few examples, whose threshold is near 0, would
    be suggested everywhere. ``probabilities`` are out of fold, shaped (examples, classes); ``labels`` and the
    result are class indices, int64, shaped (examples,).
    """
    thresholds = [probabilities[labels == label, label].mean() for label in range(probabilities.shape[1])]
    label_probability = probabilities[np.arange(len(labels)), labels]
    confident = np.where(probabilities >= np.maximum(thresholds, label_probability[:, None]), probabilities, 0)
    return np.where(confident.any(axis=1), confident.argmax(axis=1), labels)


def list_issues(
    photos: pd.DataFrame, classes: list[str], probabilities: np.ndarray, reviewed: Collection[str]
) -> pd.DataFrame:
    """List the photos that confidently belong to another class than their label's, the least probable label first.

    Those ``reviewed`` are left out, as a person has confirmed their labels. ``probabilities`` are out of fold, shaped
    (photos, classes).
    """
    labels = encode_labels(photos["label"], classes)
    suggested = confident_classes(probabilities, labels)
    rows = np.arange(len(photos))
    table = photos[["path"]].assign(label="", split=photos["split"], given=photos["label"])
    table["suggested"] = np.take(classes, suggested)
    table["given_probability"] = probabilities[rows, labels]
    table["suggested_probability"] = probabilities[rows, suggested]
    issues: pd.DataFrame = table[(suggested != labels) & ~table["path"].isin(reviewed)]
    return issues.sort_values(["given_probability", "path"]).round(4)


def draw_issues(issues: pd.DataFrame) -> Figure:
    """Draw the first photos, each with its file's name, the label given and the one suggested."""
    shown = issues.head(SHOWN)
    count = f"the {SHOWN} most suspicious of {len(issues)}" if len(issues) > SHOWN else len(issues) or "none"
    captions = []
    for photo in shown.itertuples():
        suggested = f"{photo.suggested_probability:.2f} for {photo.suggested}"
        captions.append(caption(Path(str(photo.path)).name, f"labelled {photo.given}", suggested))
    return draw_photos(f"labels that look wrong: {count}", list(shown["path"]), captions, columns=5, row_height=2.7)


if __name__ == "__main__":
    run(main)
