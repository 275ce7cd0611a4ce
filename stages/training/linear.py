"""Fit a linear classifier to a backbone's features, as the last layer of a whole model.

A model that fine-tunes goes on from there (LP-FT, Kumar et al., 2022), so that a random head does not distort features.
"""

import json

import numpy as np
import sklearn
from threadpoolctl import threadpool_limits

from stages.common.cli import logger
from stages.common.machine import machine_key, read_code
from stages.common.paths import BACKUPS, FEATURES
from stages.models import logistic_regression
from stages.models.logistic_regression import Candidate, LinearClassifier, loss_and_accuracy, pool_first_view
from stages.models.model_parts import CHECK_BATCH, replace_linear_head, rounding_tolerance
from stages.storage.arrays import read_cached, write_cached
from stages.storage.feature_sets import read_backbone, reference_rows, sample_rows
from stages.storage.files import atomic_write, content_hash, sha256_of
from stages.storage.photo_lists import read_groups
from stages.training.training_run import TRAINING_CODE, History, Trained, TrainingRun

FITTED_BY = f"fitted in float32 by scikit-learn {sklearn.__version__}"
FOLDS = 5  # unless the config says otherwise


@threadpool_limits.wrap(limits=1)  # the last digits depend on the number of threads
def train_linear(run: TrainingRun) -> Trained:
    """Fit a classifier and save it as a whole model."""
    train, validation = (pool_first_view(split.examples, len(split.labels)) for split in (run.train, run.validation))
    classifier, history, scores = fit_linear(run, train, validation)
    logits = (validation @ classifier.kernel + classifier.bias).astype(np.float32)
    environment = [*save_linear(run, classifier, validation, logits), FITTED_BY]
    references = [rows[reference_rows(len(rows), run.settings.seed)].astype(np.float16) for rows in (train, validation)]
    return Trained(history, logits, environment, references, scores)


@threadpool_limits.wrap(limits=1)
def fit_linear(
    run: TrainingRun, train: np.ndarray, validation: np.ndarray
) -> tuple[LinearClassifier, History, list[dict[str, float]]]:
    """Fit a logistic regression to the training photos' features, its regularisation chosen by cross-validation.

    Features are pooled, shaped (photos, channels). Return the classifier, a history of one record, and the
    cross-validated scores of each regularisation.
    """
    labels = run.train.labels
    class_weight = None if run.settings.class_weight == "none" else run.settings.class_weight
    groups = read_groups(run.paths)
    folds = logistic_regression.assign_folds(labels, groups, run.config.folds or FOLDS, run.settings.seed)
    strengths = run.config.inverse_regularization or logistic_regression.INVERSE_REGULARIZATIONS
    best, candidates = logistic_regression.cross_validate(train, labels, folds, strengths, class_weight)
    log_candidates(best, candidates)
    inverse = best.inverse_regularization
    classifier = logistic_regression.fit_classifier(train, labels, len(run.classes), inverse, class_weight)
    loss, accuracy = loss_and_accuracy(classifier.probabilities(train), labels)
    val_loss, val_accuracy = loss_and_accuracy(classifier.probabilities(validation), run.validation.labels)
    baseline = np.mean(run.validation.labels == np.bincount(labels).argmax())
    text = "the linear classifier has a validation accuracy of %.3f; always predicting the majority class, %.3f"
    logger.info(text, val_accuracy, baseline)
    record = {"epoch": 1, "accuracy": accuracy, "loss": loss, "val_accuracy": val_accuracy, "val_loss": val_loss}
    scores = [candidate._asdict() for candidate in candidates]
    return classifier, [{**record, "inverse_regularization": inverse}], scores


def log_candidates(best: Candidate, candidates: list[Candidate]) -> None:
    """Log the scores of each regularisation, and a warning where another, beyond them, may be better than the best."""
    for candidate in candidates:
        logger.info("C = %g: cross-validated loss %.4f, accuracy %.4f", *candidate)
    if len(candidates) == 1:
        return
    if best.loss == max(candidate.loss for candidate in candidates):
        advice = "add photos of classes with a single one, or list larger C in inverse_regularization"
        logger.warning("C = %g, as all have the same loss: %s", best.inverse_regularization, advice)
    elif best in (candidates[0], candidates[-1]):
        text = "C = %g has the lowest loss, at the end of those tried: list others beyond it in inverse_regularization"
        logger.warning(text, best.inverse_regularization)


def save_linear(run: TrainingRun, classifier: LinearClassifier, features: np.ndarray, logits: np.ndarray) -> list[str]:
    """Save a classifier as a whole model, and return the environment that made the model.

    ``features``, pooled, and ``logits`` are of the validation photos. An earlier model that differs in its last layer
    alone is copied with the new one, the same bytes without four seconds of TensorFlow.
    """
    # The backbone is as it was loaded: a batch shows whether the layer after it is the fitted one.
    pixels = run.sample[:CHECK_BATCH]
    rows = sample_rows(len(logits))[:CHECK_BATCH]
    folder = FEATURES / run.config.features / "backbone"
    network, weights = read_backbone(folder)
    del network["features"]["name"]  # all sets of features of a backbone share its model
    # All that shapes the saved model but the fitted weights, and the photos of its check.
    made_of = [json.dumps(network), sha256_of(weights), str(run.image_size), str(len(run.classes))]
    key = content_hash([*made_of, *read_code(TRAINING_CODE), *machine_key(), pixels])
    earlier = BACKUPS / f"{network['backbone']}.linear"
    with atomic_write(run.path) as unchecked:
        if cached := read_cached(earlier, key):
            computed = cached["features"] @ classifier.kernel + classifier.bias  # the copy's logits
            if np.abs(computed - logits[rows]).max() <= rounding_tolerance(logits[rows]):
                replace_linear_head(cached["model"].tobytes(), classifier.kernel, classifier.bias, unchecked)
                return list(cached["environment"].tolist())
        from stages.models.build import build_model
        from stages.models.runtime import describe_environment, make_deterministic
        from stages.models.saving import check_saved_model, save_model

        make_deterministic(0)
        model = build_model(run.config, run.image_size, len(run.classes))
        model.get_layer("logits").set_weights([classifier.kernel, classifier.bias])
        save_model(model, unchecked)
        check_saved_model(unchecked, pixels, logits[rows])
        environment = describe_environment()
        model_bytes = np.frombuffer(unchecked.read_bytes(), np.uint8)
        write_cached(earlier, key, model=model_bytes, features=features[rows], environment=np.array(environment))
        return environment
