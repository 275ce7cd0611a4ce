"""Train one model.

Reads the training and validation lists, the pixels or features that the model config names, with their backbone, and
from ``params.yaml`` ``image_size``, ``image_fit``, ``train`` and the model config. A linear classifier also reads the
groups. Writes:

    data/models/MODEL.keras     the model
    data/models/MODEL.json      classes, environment, image_fit, a hash of the
                                lists, scores of each regularisation
    data/models/MODEL.npz       logits and labels of the validation photos, pooled
                                features of some photos (if it has a backbone)
    plots/history/MODEL.json    a record per epoch (one of a linear classifier)
    data/repeats/MODEL/         the same from other seeds (train.runs)

A killed run resumes after the last finished epoch, with the same result. With ``TENSORBOARD=1`` in the environment it
also writes curves into ``data/logs/``, which is not an output.
"""

import time
from typing import Any

import numpy as np
import pandas as pd

from stages.common.cli import UserError, logger, run
from stages.common.edits import refuse_edits
from stages.common.machine import read_measurements, record_measurements
from stages.common.params import Params, Train, load_entry
from stages.common.paths import BACKUPS, HISTORY, MODELS, REPEATS, history_of
from stages.datasets.dataset import Dataset
from stages.storage import feature_sets
from stages.storage.files import atomic_folder, atomic_write, check_leftovers, sha256_of, write_json
from stages.storage.photo_lists import class_names, encode_labels, hash_lists, read_lists
from stages.training.training_run import TrainingRun


def main() -> None:
    name, params = load_entry(__doc__, "models")
    check_leftovers([MODELS, HISTORY, REPEATS], params.models, "models")  # now, not in `evaluate` after hours
    config, settings = params.models[name], params.train
    lists = read_lists("train", "validation")
    classes = class_names(lists["train"]["label"])
    train, validation = load_examples(config.features, lists, classes)
    sample = feature_sets.open_sample(config.features)
    check_resizing(config.features, sample, params)
    # The model's own settings override those of ``train``.
    settings = settings.model_copy(update=config.model_dump(include=set(Train.model_fields), exclude_none=True))
    seeds = [(settings.seed + index) % 2**32 for index in range(settings.runs)]

    trained_on = {"image_fit": params.image_fit, "lists": hash_lists(lists)}
    # Refused here, an edited run keeps its backups: once the edit is undone, it resumes.
    with refuse_edits(), atomic_folder(REPEATS / name, replace=True) as repeats:
        paths = [MODELS / f"{name}.keras", *(repeats / f"{name}.{seed}.keras" for seed in seeds[1:])]
        for seed, path in zip(seeds, paths, strict=True):
            logger.info("%s: training from seed %d", name, seed)
            seeded = settings.model_copy(update={"seed": seed})
            training_run = TrainingRun(
                config, seeded, params.image_size, classes, lists["train"]["path"], train, validation, sample, path
            )
            train_and_write(training_run, trained_on)
        write_json(seeds[1:], repeats / "seeds.json")
    spent = read_measurements(f"features@{config.features}", feature_sets.features_key(config.features))
    spent["train_s"] = time.process_time() / len(seeds)
    record_measurements(f"train@{name}", sha256_of(MODELS / f"{name}.keras"), **spent)
    for backup in BACKUPS.glob(f"{name}.*npz"):  # last, so that a killed step repeats no finished run
        backup.unlink()


def load_examples(name: str, lists: dict[str, pd.DataFrame], classes: list[str]) -> list[Dataset]:
    """Open a set of features, or the pixels, of the photos in some lists."""
    arrays = feature_sets.open_features(name, lists)
    return [Dataset(arrays[split], encode_labels(photos["label"], classes)) for split, photos in lists.items()]


def check_resizing(features: str, sample: np.ndarray, params: Params) -> None:
    """Raise a UserError if features, or this sample of their photos, have another ``image_fit`` or ``image_size``."""
    expected = {"image_fit": params.image_fit, "image_size": list(params.image_size)}
    fit = feature_sets.read_about(features).get("image_fit", "stretch")
    for key, received in {"image_fit": fit, "image_size": list(sample.shape[1:3])}.items():
        if received != expected[key]:
            advice = feature_sets.rebuild_advice(features)
            raise UserError(f"expected features of {key} {expected[key]}, received {received}: {advice}")


def train_and_write(training_run: TrainingRun, trained_on: dict[str, str]) -> None:
    """Train a model and write it with its history and all that is beside it; ``trained_on`` describes its photos."""
    path, config = training_run.path, training_run.config
    if config.is_linear and not config.fine_tune:  # without TensorFlow, if possible
        from stages.training.linear import train_linear

        trained = train_linear(training_run)
    else:
        from stages.training.network import train_network

        trained = train_network(training_run)
    about: dict[str, Any] = {"classes": training_run.classes, "environment": trained.environment, **trained_on}
    if trained.cross_validation:
        about["cross_validation"] = trained.cross_validation
    arrays = {"logits": trained.logits, "labels": training_run.validation.labels}
    if trained.features:
        arrays["training_features"], arrays["validation_features"] = trained.features
        rows = feature_sets.reference_rows(len(training_run.train.labels), training_run.settings.seed)
        arrays["training_paths"] = training_run.paths.iloc[rows].to_numpy(str)
    write_json(about, path.with_suffix(".json"))
    with atomic_write(path.with_suffix(".npz")) as unfinished, unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    write_json(trained.history, history_of(path))


if __name__ == "__main__":
    run(main)
