"""Train one model.

Reads the training and validation lists, the pixels or features that the config names, with their backbone, and from
``params.yaml`` ``image_size``, ``image_fit``, ``train`` and the model's config.
Writes ``data/models/MODEL.keras``; ``MODEL.json`` with its classes, environment, ``image_fit`` and a hash of the lists;
``MODEL.npz`` with its ``logits`` on the validation photos and their ``labels``, and with a backbone
``training_features`` and ``validation_features``, pooled, of up to 2,000 photos each, and the ``training_paths`` of the
former; ``plots/history/MODEL.json``, a record per epoch; and into ``data/repeats/MODEL/`` the same of its training runs
from other seeds (``train.runs``). A killed run resumes after the last finished epoch, with the same result. With
``TENSORBOARD=1`` in the environment it also writes curves into ``data/logs/``, which is not an output. Of a linear
classifier it also reads the groups, and ``MODEL.json`` has the cross-validated scores of each regularisation; unless
it fine-tunes, it has no epochs, and its history is one record.
"""

import time
from typing import Any

import numpy as np
import pandas as pd

from stages.common.cli import UserError, logger, run
from stages.common.machine import read_measurements, record_measurements
from stages.common.params import Params, Train, load_entry
from stages.common.paths import BACKUPS, HISTORY, MODELS, REPEATS, history_of
from stages.datasets.dataset import StoredDataset
from stages.storage.feature_sets import features_key, open_features, open_sample, read_about, reference_rows, remedy
from stages.storage.files import atomic_folder, atomic_write, check_leftovers, sha256_of, write_json
from stages.storage.photo_lists import class_names, encode_labels, hash_lists, read_split
from stages.training.training_run import TrainingRun


def main() -> None:
    name, params = load_entry(__doc__, "models")
    check_leftovers([MODELS, HISTORY, REPEATS], params.models, "models")  # as `evaluate` would after all trainings
    config, settings = params.models[name], params.train
    lists = {split: read_split(split) for split in ("train", "validation")}
    classes = class_names(lists["train"]["label"])
    train, validation = load_examples(config.features, lists, classes)
    sample = open_sample(config.features)
    check_pixels(config.features, sample, params)
    # The model's own settings go before those of all models.
    settings = settings.model_copy(update=config.model_dump(include=set(Train.model_fields), exclude_none=True))
    seeds = [(settings.seed + index) % 2**32 for index in range(settings.runs)]

    photos = {"image_fit": params.image_fit, "lists": hash_lists(lists)}
    with atomic_folder(REPEATS / name, replace=True) as repeats:
        paths = [MODELS / f"{name}.keras", *(repeats / f"{name}.{seed}.keras" for seed in seeds[1:])]
        for seed, path in zip(seeds, paths, strict=True):
            logger.info("%s: training from seed %d", name, seed)
            seeded = settings.model_copy(update={"seed": seed})
            seed_run = TrainingRun(config, seeded, params.image_size, classes, train, validation, sample, path)
            write_results(seed_run, photos)
        write_json(seeds[1:], repeats / "seeds.json")
    spent = read_measurements(f"features@{config.features}", features_key(config.features))
    spent["train_s"] = time.process_time() / len(seeds)
    record_measurements(f"train@{name}", sha256_of(MODELS / f"{name}.keras"), **spent)
    for backup in BACKUPS.glob(f"{name}.*npz"):  # last, so that a killed step repeats no finished run
        backup.unlink()


def load_examples(name: str, lists: dict[str, pd.DataFrame], classes: list[str]) -> list[StoredDataset]:
    """Open a set of features, or the pixels, of the photos in some lists."""
    arrays = open_features(name, lists)
    return [StoredDataset(arrays[split], encode_labels(photos["label"], classes)) for split, photos in lists.items()]


def check_pixels(features: str, sample: np.ndarray, params: Params) -> None:
    """Raise a UserError if features, with this sample of the pixels, are of another ``image_fit`` or ``image_size``."""
    expected = {"image_fit": params.image_fit, "image_size": list(params.image_size)}
    fit = read_about(features).get("image_fit", "stretch")
    for key, received in {"image_fit": fit, "image_size": list(sample.shape[1:3])}.items():
        if received != expected[key]:
            raise UserError(f"expected features of {key} {expected[key]}, received {received}: {remedy(features)}")


def write_results(run: TrainingRun, photos: dict[str, str]) -> None:
    """Train a new model; write its history and, to the run's path and beside it, the model and a hash of its photos."""
    if run.config.is_linear and not run.config.fine_tune:  # it may need no TensorFlow
        from stages.training.linear import train_linear

        trained = train_linear(run)
    else:
        from stages.training.network import train_network

        trained = train_network(run)
    about: dict[str, Any] = {"classes": run.classes, "environment": trained.environment, **photos}
    if trained.cross_validation:
        about["cross_validation"] = trained.cross_validation
    arrays = {"logits": trained.logits, "labels": run.validation.labels}
    if trained.features:
        arrays["training_features"], arrays["validation_features"] = trained.features
        rows = reference_rows(len(run.train.labels), run.settings.seed)
        arrays["training_paths"] = read_split("train")["path"].iloc[rows].to_numpy(str)
    write_json(about, run.path.with_suffix(".json"))
    with atomic_write(run.path.with_suffix(".npz")) as unfinished, unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    write_json(trained.history, history_of(run.path))


if __name__ == "__main__":
    run(main)
