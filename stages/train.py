"""Train one model.

Reads the training and validation lists, their photos, the backbone's weights if the recipe has one, and from
``params.yaml`` ``train`` and the model's recipe. Writes ``data/models/MODEL.keras``, beside it in ``MODEL.json``
its classes and what the result depends on apart from that, and ``plots/history/MODEL.json``, a record per epoch.
Killed, it goes on after the last finished epoch when it is run again, with the same result.

    python -m stages.train [MODEL]    # without MODEL, the one that DVC's stage name train@MODEL says
"""

import logging
import os

from stages.common.backend import make_deterministic
from stages.common.command import UserError, parser_for, run
from stages.common.devices import strategy
from stages.common.environment import describe_environment
from stages.common.models import build_model, save_model
from stages.common.output import write_json
from stages.common.params import load_params
from stages.common.paths import BACKUPS, HISTORY, MODELS
from stages.common.photos import class_names, load_photos, read_list
from stages.common.precision import use_precision
from stages.common.rows import Budget
from stages.common.training import train_model

logger = logging.getLogger(__name__)


def main() -> None:
    name = model_name()
    params = load_params()
    if name not in params.models:
        raise UserError(f"expected a model of params.yaml ({', '.join(params.models)}), received {name!r}")
    recipe, settings = params.models[name], params.train
    train, validation = read_list("train"), read_list("validation")
    classes = class_names(train["label"])

    backup = BACKUPS / f"{name}.npz"
    budget = Budget(params.memory_gib)
    make_deterministic(settings.seed, settings.threads)
    precision = use_precision(settings.precision, recipe)
    logger.info("precision: %s", precision)
    with strategy().scope():
        model = build_model(recipe, settings.image_size, len(classes))
        model.summary()
        history = train_model(
            model,
            recipe,
            settings,
            load_photos(train, classes, settings.image_size, budget),
            load_photos(validation, classes, settings.image_size, budget),
            backup,
            budget,
        )
    save_model(model, MODELS / f"{name}.keras")
    environment = [*describe_environment(), f"precision {precision}"]
    write_json({"classes": classes, "environment": environment}, MODELS / f"{name}.json")
    write_json(history, HISTORY / f"{name}.json")
    backup.unlink()


def model_name() -> str:
    """Read which model to train.

    DVC tells by the stage's name, in the environment: a name from ``params.yaml`` that stood in the command
    would pass through a shell.
    """
    parser = parser_for(__doc__)
    parser.add_argument("model", nargs="?", default=os.environ.get("DVC_STAGE", "").rpartition("@")[2])
    return str(parser.parse_args().model)


if __name__ == "__main__":
    run(main)
