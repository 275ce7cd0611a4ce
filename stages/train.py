"""Train one model.

Reads the training and validation lists, the features that the recipe names (the photos themselves, or what a backbone
made of them), the backbone's weights if the recipe has one, and from ``params.yaml`` ``train`` and the model's recipe.
Writes ``data/models/MODEL.keras``, beside it ``MODEL.json`` with its classes, environment and validation confusion
matrix, and ``MODEL.npz`` with its ``logits`` on the validation photos and their ``labels``, and with a backbone's
``training_features`` and ``validation_features``, pooled, of up to 2,000 photos each; and
``plots/history/MODEL.json``, a record per epoch. If killed, run it again: it resumes after the last finished epoch,
with the same result.

    python -m stages.train [MODEL]    # without MODEL, the one in DVC's stage name train@MODEL
"""

import json
import logging

import numpy as np
import pandas as pd

from stages.common.files import atomic_write, fingerprint, write_json
from stages.common.params import load_params
from stages.common.paths import BACKUPS, FEATURES, HISTORY, MODELS, SPLITS
from stages.common.program import UserError, first_line, run, stage_argument
from stages.datasets.dataset import StoredDataset
from stages.models.build import build_model
from stages.models.environment import describe_environment
from stages.models.precision import set_precision
from stages.models.runtime import device_strategy, make_deterministic
from stages.models.saving import save_model
from stages.photos.arrays import encode_labels, open_array
from stages.photos.lists import class_names, read_split
from stages.training.sample import sample_features
from stages.training.training import train_model

logger = logging.getLogger(__name__)


def main() -> None:
    name = stage_argument(__doc__, "model")
    params = load_params()
    if name not in params.models:
        models = ", ".join(params.models)
        raise UserError(
            f"expected `python -m stages.train MODEL` with a model of params.yaml ({models}), received {name!r}"
        )
    recipe, settings = params.models[name], params.train
    lists = {split: read_split(split) for split in ("train", "validation")}
    classes = class_names(lists["train"]["label"])
    train, validation = load_examples(recipe.features, lists, classes)
    backup = BACKUPS / f"{name}.npz"

    make_deterministic(settings.seed)
    precision = set_precision(settings.precision, has_backbone=recipe.backbone != "none")
    logger.info("precision: %s", precision)
    with device_strategy().scope():
        model = build_model(recipe, settings.image_size, len(classes))
        model.summary()
        history, logits = train_model(model, recipe, settings, train, validation, backup)

    save_model(model, MODELS / f"{name}.keras")
    environment = [*describe_environment(), f"precision {precision}"]
    confusion = confusion_matrix(validation.labels, logits.argmax(axis=1), len(classes))
    about = {"classes": classes, "environment": environment, "validation_confusion": confusion.tolist()}
    write_json(about, MODELS / f"{name}.json")
    kept = {"logits": logits, "labels": validation.labels}
    if recipe.backbone != "none":
        kept["training_features"] = sample_features(model, train, settings.seed)
        kept["validation_features"] = sample_features(model, validation, settings.seed)
    with atomic_write(MODELS / f"{name}.npz") as unfinished, unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **kept)
    write_json(history, HISTORY / f"{name}.json")
    backup.unlink()


def load_examples(name: str, lists: dict[str, pd.DataFrame], classes: list[str]) -> list[StoredDataset]:
    """Open the features of the photos in some lists, with their labels.

    Raises:
        UserError: They are not there or damaged, or of other photos.
    """
    folder, remedy = FEATURES / name, f"run `dvc repro features@{name}`"
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        if about["photos"] != {split: fingerprint(photos["path"]) for split, photos in lists.items()}:
            raise UserError(f"{folder}: expected features of the photos in {SPLITS}, received others': {remedy}")
        return [
            StoredDataset(open_array(folder / f"{split}.npy"), encode_labels(photos["label"], classes))
            for split, photos in lists.items()
        ]
    except FileNotFoundError as error:
        raise UserError(f"expected the features {error.filename}, found none: {remedy}") from error
    except (ValueError, EOFError) as error:
        raise UserError(
            f"{folder}: expected whole files, received damaged ones ({first_line(error)}): {remedy}"
        ) from error


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the photos of each true class (row) by predicted class (column)."""
    counts = np.bincount(num_classes * labels + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


if __name__ == "__main__":
    run(main)
