"""Train a network, and save it as a whole model."""

import logging
from pathlib import Path

import numpy as np

from stages.common.model_config import ModelConfig
from stages.common.params import Train
from stages.common.paths import BACKUPS
from stages.datasets.dataset import StoredDataset
from stages.models.build import build_model
from stages.models.runtime import describe_environment, device_strategy, make_deterministic, set_precision
from stages.models.saving import check_saved_model, save_model
from stages.storage.feature_sets import sample_rows
from stages.storage.files import atomic_write
from stages.training.backup import Trained
from stages.training.loop import train_model
from stages.training.reference_features import pooled_features, sample_features

logger = logging.getLogger(__name__)


def train_network(
    config: ModelConfig,
    settings: Train,
    image_size: tuple[int, int],
    num_classes: int,
    train: StoredDataset,
    validation: StoredDataset,
    sample: np.ndarray,
    path: Path,
) -> Trained:
    """Train a model in epochs and save it; see ``train_from_seed`` for ``settings`` and ``sample``."""
    make_deterministic(settings.seed)
    precision = set_precision(settings.precision, has_backbone=config.has_backbone)
    logger.info("precision: %s", precision)
    environment, scores = [*describe_environment(), f"precision {precision}"], None
    with device_strategy().scope():
        model = build_model(config, image_size, num_classes)
        if config.is_linear:
            from stages.training.linear import PRECISION, fit_linear  # scikit-learn takes a second to load

            features = [pooled_features(model, photos, np.arange(len(photos.labels))) for photos in (train, validation)]
            fit = fit_linear(config, settings, num_classes, features, [train.labels, validation.labels])
            model.get_layer("logits").set_weights([fit.classifier.kernel, fit.classifier.bias])
            environment, scores = [*environment, PRECISION], fit.scores
        model.summary()
        history, logits = train_model(model, config, settings, train, validation, BACKUPS / f"{path.stem}.npz")
    references = [sample_features(model, split, settings.seed) for split in (train, validation) if config.has_backbone]
    with atomic_write(path) as unchecked:
        save_model(model, unchecked)
        check_saved_model(unchecked, sample, logits[sample_rows(len(logits))])
    return Trained(history, logits, environment, references, scores)
