"""Train one model.

Reads the training and validation lists, their photos, the backbone's weights if the recipe has one, and from
``params.yaml`` ``train`` and the model's recipe. Writes ``data/models/MODEL.keras``, beside it ``MODEL.json`` with
its classes and environment, and ``plots/history/MODEL.json``, a record per epoch. If killed,
run it again: it resumes after the last finished epoch, with the same result.

    python -m stages.train [MODEL]    # without MODEL, the one in DVC's stage name train@MODEL
"""

import logging

from stages.common.files import write_json
from stages.common.params import load_params
from stages.common.paths import BACKUPS, HISTORY, MODELS
from stages.common.program import UserError, run, stage_argument
from stages.models.build import build_model
from stages.models.environment import describe_environment
from stages.models.precision import set_precision
from stages.models.runtime import device_strategy, make_deterministic
from stages.models.saving import save_model
from stages.photos.arrays import MemoryBudget, load_photos
from stages.photos.lists import class_names, read_split
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
    backup = BACKUPS / f"{name}.npz"
    budget = MemoryBudget(params.memory_gib)

    make_deterministic(settings.seed, settings.threads)
    precision = set_precision(settings.precision, recipe)
    logger.info("precision: %s", precision)
    with device_strategy().scope():
        model = build_model(recipe, settings.image_size, len(classes))
        model.summary()
        train, validation = (load_photos(photos, classes, settings.image_size, budget) for photos in lists.values())
        history = train_model(model, recipe, settings, train, validation, backup, budget)

    save_model(model, MODELS / f"{name}.keras")
    environment = [*describe_environment(), f"precision {precision}"]
    write_json({"classes": classes, "environment": environment}, MODELS / f"{name}.json")
    write_json(history, HISTORY / f"{name}.json")
    backup.unlink()


if __name__ == "__main__":
    run(main)
