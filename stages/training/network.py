"""Train a network, and save it as a whole model."""

import numpy as np

from stages.common.cli import logger
from stages.common.paths import BACKUPS
from stages.datasets.dataset import Dataset
from stages.datasets.feature_extraction import BATCH_SIZE
from stages.models.build import build_model
from stages.models.runtime import describe_environment, keras, make_deterministic, set_precision, use_float16_in_silence
from stages.models.saving import check_saved_model, save_model
from stages.storage.feature_sets import reference_rows, sample_rows
from stages.storage.files import atomic_write
from stages.training.loop import train_model
from stages.training.training_run import Trained, TrainingRun


def train_network(run: TrainingRun) -> Trained:
    """Train a model in epochs and save it."""
    config, settings = run.config, run.settings
    datasets = (run.train, run.validation)
    make_deterministic(settings.seed)
    use_float16_in_silence()
    precision = set_precision(settings.precision, has_backbone=config.has_backbone)
    logger.info("precision: %s", precision)
    environment = [*describe_environment(), f"precision {precision}"]
    scores = None
    model = build_model(config, run.image_size, len(run.classes))
    if config.is_linear:
        from stages.training.linear import FITTED_BY, fit_linear  # scikit-learn takes a second to load

        features = (pooled_features(model, photos, np.arange(len(photos.labels))) for photos in datasets)
        classifier, _, scores = fit_linear(run, *features)
        model.get_layer("logits").set_weights([classifier.kernel, classifier.bias])
        environment.append(FITTED_BY)
    model.summary()
    history, logits = train_model(model, run, BACKUPS / f"{run.path.stem}.npz")
    references = [sample_features(model, photos, settings.seed) for photos in datasets if config.has_backbone]
    with atomic_write(run.path) as unchecked:
        save_model(model, unchecked)
        check_saved_model(unchecked, run.sample, logits[sample_rows(len(logits))])
    return Trained(history, logits, environment, references, scores)


def sample_features(model: keras.Model, dataset: Dataset, seed: int) -> np.ndarray:
    """Compute ``pooled_features`` of the photos at ``reference_rows``, in float16, as a reference beside the model."""
    return pooled_features(model, dataset, reference_rows(len(dataset.labels), seed)).astype(np.float16)


def pooled_features(model: keras.Model, dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    """Compute the pooled output of a model's whole backbone for the photos with these indices.

    The examples are features extracted by the frozen part of the backbone; of several views, the first is used. Returns
    means over height and width, float32, shaped (photos, channels).
    """
    last_blocks = [layer for layer in model.layers if layer.name == "last_blocks"]  # of a model that fine-tunes
    pooled = []
    for first in range(0, len(indices), BATCH_SIZE):
        maps = dataset.batch(0, indices[first : first + BATCH_SIZE])
        for layer in last_blocks:
            maps = layer(maps, training=False)
        spatial = tuple(range(1, len(maps.shape) - 1))  # none, if they are pooled
        pooled.append(np.asarray(maps).astype(np.float32).mean(axis=spatial))
    return np.concatenate(pooled)
