"""Fit a linear classifier to a backbone's features, as the last layer of a whole model.

A model that fine-tunes goes on from there (LP-FT, Kumar et al., 2022), so that a random head does not distort features.
"""

import json
import logging
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn
from threadpoolctl import threadpool_limits

from stages.common.machine import machine_key
from stages.common.model_config import ModelConfig
from stages.common.params import Train
from stages.common.paths import BACKUPS, FEATURES
from stages.datasets.dataset import StoredDataset
from stages.models.linear_file import CHECK_BATCH, replace_linear_head
from stages.models.logistic_regression import (
    INVERSE_REGULARIZATIONS,
    LinearClassifier,
    assign_folds,
    best_candidate,
    cross_validate,
    fit_classifier,
    loss_and_accuracy,
    pool_first_view,
)
from stages.storage.feature_sets import reference_rows, sample_rows
from stages.storage.files import atomic_write, content_hash, is_intact_zip, sha256_of, write_json
from stages.storage.photo_lists import read_groups, read_split
from stages.training.backup import History, Trained, training_code

logger = logging.getLogger(__name__)

PRECISION = f"precision float32, fitted by scikit-learn {sklearn.__version__}"
FOLDS = 5  # unless the config says otherwise


class Fit(NamedTuple):
    classifier: LinearClassifier
    history: History  # one record
    scores: list[dict[str, float]]  # cross-validated loss and accuracy with each inverse_regularization


@threadpool_limits.wrap(limits=1)  # on whose number the last digits would depend
def train_linear(
    config: ModelConfig,
    settings: Train,
    image_size: tuple[int, int],
    num_classes: int,
    train: StoredDataset,
    validation: StoredDataset,
    sample: np.ndarray,
    path: Path,
) -> Trained:
    """Fit a classifier and save it as a whole model; see ``train_from_seed`` for ``settings`` and ``sample``."""
    features = [pool_first_view(photos.examples, len(photos.labels)) for photos in (train, validation)]
    fit = fit_linear(config, settings, num_classes, features, [train.labels, validation.labels])
    logits = (features[1] @ fit.classifier.kernel + fit.classifier.bias).astype(np.float32)
    rows = sample_rows(len(logits))[:CHECK_BATCH]
    backbone = sorted((FEATURES / config.features / "backbone").iterdir())
    # All that shapes the saved model but the fitted weights, and the check of the saved model.
    of_model = [str(image_size), str(num_classes), *map(sha256_of, backbone), *training_code(), *machine_key()]
    key = content_hash([*of_model, sample[:CHECK_BATCH], features[1][rows]])
    environment = save_linear(config, image_size, fit.classifier, sample[:CHECK_BATCH], logits[rows], path, key)
    environment.append(PRECISION)
    references = [each[reference_rows(len(each), settings.seed)].astype(np.float16) for each in features]
    return Trained(fit.history, logits, environment, references, fit.scores)


def save_linear(
    config: ModelConfig,
    image_size: tuple[int, int],
    classifier: LinearClassifier,
    pixels: np.ndarray,
    logits: np.ndarray,
    path: Path,
    key: str,
) -> list[str]:
    """Save a classifier as a whole model, and return the environment that made the model.

    An earlier one with the same key is copied with other weights, the same bytes without three seconds of TensorFlow.
    """
    earlier = BACKUPS / f"{config.features}.linear"
    about = earlier.with_suffix(".json")
    content: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        content = dict(json.loads(about.read_text(encoding="utf-8")))
    with atomic_write(path) as unchecked:
        if content.get("key") == key and is_intact_zip(earlier):
            replace_linear_head(earlier, classifier.kernel, classifier.bias, unchecked)
            return list(content["environment"])
        from stages.models.build import build_model
        from stages.models.runtime import describe_environment, make_deterministic
        from stages.models.saving import check_saved_model, save_model

        make_deterministic(0)
        model = build_model(config, image_size, logits.shape[1])
        model.get_layer("logits").set_weights([classifier.kernel, classifier.bias])
        save_model(model, unchecked)
        # The backbone is as it was loaded: a batch shows whether the layer after it is the fitted one.
        check_saved_model(unchecked, pixels, logits)
        environment = describe_environment()
        about.unlink(missing_ok=True)
        with atomic_write(earlier) as copy:
            shutil.copyfile(unchecked, copy)
        write_json({"key": key, "environment": environment}, about)
        return environment


@threadpool_limits.wrap(limits=1)
def fit_linear(
    config: ModelConfig, settings: Train, num_classes: int, features: list[np.ndarray], labels: list[np.ndarray]
) -> Fit:
    """Fit a logistic regression to the training photos, its regularisation chosen by cross-validation.

    Args:
        features: of training and validation photos, pooled; ``labels`` likewise.
    """
    groups = read_groups(read_split("train")["path"])
    class_weight = None if settings.class_weight == "none" else settings.class_weight
    folds = assign_folds(labels[0], groups, config.folds or FOLDS, settings.seed)
    tried = config.inverse_regularization or INVERSE_REGULARIZATIONS
    candidates = cross_validate(features[0], labels[0], folds, tried, class_weight)
    scores = [{key: value for key, value in each._asdict().items() if key != "probabilities"} for each in candidates]
    for each in scores:
        logger.info("C = %g: cross-validated loss %.4f, accuracy %.4f", *each.values())
    chosen = best_candidate(candidates).inverse_regularization
    del candidates  # whose probabilities, of 1,000 classes, take 200 MB
    if len(scores) > 1 and chosen in (scores[0]["inverse_regularization"], scores[-1]["inverse_regularization"]):
        logger.warning("C = %g has the lowest loss, at the end of those tried: list others beyond it", chosen)

    fitted = fit_classifier(features[0], labels[0], num_classes, chosen, class_weight)
    (loss, accuracy), (val_loss, val_accuracy) = (
        loss_and_accuracy(fitted.probabilities(of_split), of_labels)
        for of_split, of_labels in zip(features, labels, strict=True)
    )
    logger.info("the linear classifier has a validation accuracy of %.3f", val_accuracy)
    record = {"epoch": 1, "accuracy": accuracy, "loss": loss, "val_accuracy": val_accuracy, "val_loss": val_loss}
    return Fit(fitted, [{**record, "inverse_regularization": chosen}], scores)
