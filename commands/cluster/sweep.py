"""Train a model with many settings, spread over a Ray cluster, and compare them.

Each trial is a training run with changed parameters. Values are as for `dvc exp run --queue`; of several parameters,
every combination is tried. Trials that differ only in seeds belong to one setting. Settings are compared by the mean
validation accuracy of the selected epoch over all their seeds.

The trials' models go to DVC's default remote with their run cache: a `dvc exp run --pull` with the same changes takes
them from there instead of training, and so does the same command, started again after it was stopped.

    python -m commands.cluster.sweep cnn -S models.cnn.dropout=0.3,0.5 -S 'train.seed=range(0,3)'    # six trials
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

import pandas as pd
import ray
from dvc.exceptions import DvcException
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

from commands.cluster.nodes import on_node, prepare, task_options, wait_for_all
from commands.cluster.workspace import reproduce, workspace
from stages.common.cli import UserError, command_parser, first_line, run
from stages.common.params import PARAMS, Params, load_params
from stages.common.paths import HISTORY
from stages.storage.files import read_json
from stages.training.training_run import History


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("model", metavar="MODEL", help="a model in params.yaml")
    values_help = "values to try; may be repeated"
    parser.add_argument(
        "-S", "--set-param", action="append", required=True, metavar="NAME=VALUE,VALUE", help=values_help
    )
    args = parser.parse_args()
    params = load_params()
    if args.model not in params.models:
        raise UserError(f"expected a model of params.yaml ({', '.join(params.models)}), received {args.model!r}")
    trials = list_trials(args.set_param)
    variants = [check_trial(overrides, args.model) for overrides in trials]
    features = {variant.models[args.model].features for variant in variants} & {*params.features}
    if any(changes(option, "features.", "image_fit=", "image_size=") for option in args.set_param):
        features = set()  # each trial extracts its own

    resources = params.cluster.resources_of(args.model)
    lock = prepare([resources, params.cluster], ["download", "backbone", "split", "pixels"], sorted(features))
    task = train.options(**task_options(resources, params.cluster.retries))
    tasks = {" ".join(overrides): task.remote(args.model, lock, overrides) for overrides in trials}
    table = tabulate(trials, wait_for_all(tasks).values())

    print(f"\n{table.to_string(index=False)}\n")  # noqa: T201
    settings = compare_settings(table)
    if len(settings) < len(trials):
        print(f"{settings.to_string()}\n")  # noqa: T201
    print(describe_best(settings, recommend(settings, trials, params.train.seed), args.model))  # noqa: T201


def list_trials(options: list[str]) -> list[list[str]]:
    """Return the overrides of each trial, such as ``["train.seed=1", ...]``: all combinations of all values."""
    names = [option.partition("=")[0].lstrip("+") for option in options]
    if twice := sorted({name for name in names if names.count(name) > 1}):  # of which Hydra takes the last
        raise UserError(f"-S {twice[0]}: expected once, with all its values, received twice")
    try:
        sweeps = [tuple(sweep[str(PARAMS)]) for sweep in get_hydra_sweeps({str(PARAMS): options})]
    except Exception as error:  # Hydra's parser has types of its own
        raise UserError(f"-S: expected NAME=VALUE,VALUE: {first_line(error)}") from error
    return [list(overrides) for overrides in dict.fromkeys(sweeps)]


def check_trial(overrides: list[str], model: str) -> Params:
    """Return the parameters that a trial trains with; raise UserError for a value or a parameter that it cannot try."""
    option = f"-S {' '.join(overrides)}"
    with TemporaryDirectory() as folder:
        path = Path(copy(PARAMS, folder))
        try:
            apply_overrides(path, overrides)
            params = load_params(path)
        except DvcException as error:
            reason = " ".join(str(error.__cause__ or error).split())
            raise UserError(f"{option}: {reason}") from error
        except UserError as error:
            raise UserError(str(error).replace(str(path), option)) from error
    if params.train.runs > 1:
        raise UserError(f"train.runs: expected 1 in a sweep, received {params.train.runs}: add -S train.runs=1")
    sections = ["train", f"models.{model}"]
    if params.models[model].has_backbone:
        sections.append(f"features.{params.models[model].features}")
    for override in overrides:
        if not changes(override, "image_fit=", "image_size=", *(f"{section}." for section in sections)):
            raise UserError(f"-S {override}: expected a parameter of {', '.join(sections)}, image_fit or image_size")
    return params


def changes(override: str, *prefixes: str) -> bool:
    """Return whether an override changes a parameter with one of these prefixes."""
    return override.lstrip("+").startswith(prefixes)


@ray.remote
@on_node
def train(model: str, lock: str, overrides: Sequence[str]) -> History:
    """Train a model with changed parameters on a node; return the epochs' records."""
    with workspace(lock, overrides) as folder:
        config = load_params(folder / PARAMS).models[model]
        features = [f"features@{config.features}"] if config.has_backbone else []
        reproduce(folder, "pixels", *features, f"train@{model}")  # the first are up to date, or the trial changes them
        return read_json(folder / HISTORY / f"{model}.json", list, "run the sweep again")


def tabulate(trials: Sequence[list[str]], results: Iterable[History | Exception]) -> pd.DataFrame:
    """Return a row per trial, indexed by its setting: the best first, failed ones last."""
    rows = []
    for overrides, result in zip(trials, results, strict=True):
        epochs, val_accuracy, status = 0, math.nan, "finished"
        if isinstance(result, Exception):
            status = f"failed: {first_line(result)}"
        else:
            selected = next((record for record in result if record.get("kept")), result[-1])
            epochs, val_accuracy = len(result), selected["val_accuracy"]
        values = dict(override.split("=", 1) for override in overrides)
        rows.append({**values, "epochs": epochs, "val_accuracy": val_accuracy, "status": status})
    return pd.DataFrame(rows, [setting_of(overrides) for overrides in trials]).sort_values(
        "val_accuracy", ascending=False, kind="stable"
    )


def setting_of(overrides: list[str]) -> str:
    changed = [override for override in overrides if not override.partition("=")[0].endswith(".seed")]
    return " ".join(changed) or "as in params.yaml"


def compare_settings(table: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the ``mean``, ``min`` and ``max`` validation accuracy of each setting over its ``seeds``, best first.

    Settings with failed seeds come last, with NaN: their mean may be one over lucky seeds.
    """
    scores = table["val_accuracy"].groupby(level=0, sort=False)
    means = scores.agg(["mean", "min", "max"]).assign(seeds=scores.size(), finished=scores.count())
    means.loc[means["finished"] < means["seeds"], ["mean", "min", "max"]] = math.nan
    return means.sort_values("mean", ascending=False, kind="stable")


def recommend(settings: pd.DataFrame, trials: Sequence[list[str]], seed: int) -> list[str]:
    """Return the trial of the best setting with the seed of ``params.yaml``, or else its first trial."""
    if math.isnan(settings["mean"].iloc[0]):
        raise UserError("expected a setting whose trials all finish, received none: the table above has the reasons")
    candidates = [overrides for overrides in trials if setting_of(overrides) == settings.index[0]]
    return next((overrides for overrides in candidates if f"train.seed={seed}" in overrides), candidates[0])


def describe_best(settings: pd.DataFrame, overrides: list[str], model: str) -> str:
    """Return the best setting's scores, and the command that makes an experiment of its trial with these overrides."""
    options = " ".join(f"-S '{override}'" for override in overrides)
    # Changes of train and features would train other models, too.
    only_this_model = all(changes(override, "models.") for override in overrides)
    target = "" if only_this_model else f" train@{model}"
    best = settings.iloc[0]
    return (
        f"The best setting: {best.name} (validation accuracy {best['mean']:.3f}, seeds: {best['seeds']:g})\n"
        f"As an experiment, without training again: dvc exp run --pull {options}{target}"
    )


if __name__ == "__main__":
    run(main)
