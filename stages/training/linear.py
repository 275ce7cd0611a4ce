"""Fit a linear classifier to a backbone's features, as the last layer of a whole model.

A model that fine-tunes goes on from there (LP-FT, Kumar et al., 2022), so that a random head does not distort features.
"""

import logging
from typing import Any

import numpy as np
import sklearn
from threadpoolctl import threadpool_limits

from stages.common.model_config import ModelConfig
from stages.common.params import Train
from stages.datasets.dataset import StoredDataset
from stages.models.logistic_regression import (
    INVERSE_REGULARIZATIONS,
    assign_folds,
    best_candidate,
    cross_validate,
    fit_classifier,
    loss_and_accuracy,
)
from stages.models.runtime import keras
from stages.training.backup import History
from stages.training.reference_features import pooled_features

logger = logging.getLogger(__name__)

PRECISION = f"precision float32, fitted by scikit-learn {sklearn.__version__}"
FOLDS = 5  # unless the config says otherwise


@threadpool_limits.wrap(limits=1)
def fit_linear(
    model: keras.Model,
    config: ModelConfig,
    settings: Train,
    train: StoredDataset,
    validation: StoredDataset,
    groups: np.ndarray,
) -> tuple[History, np.ndarray, list[dict[str, Any]]]:
    """Set the weights of the layer ``logits`` to those of a logistic regression on the backbone's pooled features.

    Args:
        groups: the name of each training photo's group, which is in one fold.

    Returns:
        The history, one record; the logits of the validation photos, float32, shaped (photos, classes); and the
        cross-validated ``loss`` and ``accuracy`` with each ``inverse_regularization``.
    """
    features, held_out = (
        pooled_features(model, photos, np.arange(len(photos.labels))) for photos in (train, validation)
    )
    class_weight = None if settings.class_weight == "none" else settings.class_weight
    folds = assign_folds(train.labels, groups, config.folds or FOLDS, settings.seed)
    tried = config.inverse_regularization or INVERSE_REGULARIZATIONS
    candidates = cross_validate(features, train.labels, folds, tried, class_weight)
    scores = [{key: value for key, value in each._asdict().items() if key != "probabilities"} for each in candidates]
    for each in scores:
        logger.info("C = %g: cross-validated loss %.4f, accuracy %.4f", *each.values())
    chosen = best_candidate(candidates).inverse_regularization
    if len(scores) > 1 and chosen in (scores[0]["inverse_regularization"], scores[-1]["inverse_regularization"]):
        logger.warning("C = %g has the lowest loss, at the end of those tried: list others beyond it", chosen)

    layer = model.get_layer("logits")
    fitted = fit_classifier(features, train.labels, layer.units, chosen, class_weight)
    layer.set_weights([fitted.kernel, fitted.bias])
    loss, accuracy = loss_and_accuracy(fitted.probabilities(features), train.labels)
    val_loss, val_accuracy = loss_and_accuracy(fitted.probabilities(held_out), validation.labels)
    logger.info("the linear classifier has a validation accuracy of %.3f", val_accuracy)
    record = {"epoch": 1, "accuracy": accuracy, "loss": loss, "val_accuracy": val_accuracy, "val_loss": val_loss}
    logits = (held_out @ fitted.kernel + fitted.bias).astype(np.float32)
    return [{**record, "inverse_regularization": chosen}], logits, scores
