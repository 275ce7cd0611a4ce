"""Train a model with many settings, spread over a Ray cluster, and compare them.

Each trial is a training run with changed parameters. Values are as for `dvc exp run --queue`; of several parameters,
every combination is tried. Trials that differ only in seeds are of one setting. Settings are compared by the mean
validation accuracy of the selected epoch over all their seeds, of which none is stopped; with one seed each, a trial
that falls behind the others stops early.

Finished trials' models go to DVC's default remote with their run cache: a `dvc exp run --pull` with the same changes
takes them from there instead of training. Started again, the same command continues where it stopped; a trial whose
process or node dies starts anew.

    python -m commands.cluster.sweep cnn -S models.cnn.dropout=0.3,0.5 -S 'train.seed=range(0,3)'    # six trials
"""

import json
import math
import os
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from dvc.exceptions import DvcException
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps
from ray import tune

from commands.cluster.nodes import bundle, check_nodes, connect, resources_for_features
from commands.cluster.trial import UNFINISHED, Trial, compare_settings, recommend, setting_of, tabulate
from commands.cluster.workspace import dvc
from stages.common.cli import UserError, command_parser, first_line, run
from stages.common.machine import read_code
from stages.common.params import PARAMS, Params, load_params
from stages.common.paths import BACKUPS
from stages.storage.files import content_hash
from stages.training.training_run import TRAINING_CODE

# The trials report their progress themselves, and DVC keeps their results.
os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("model", help="a model in params.yaml")
    parser.add_argument("-S", "--set-param", action="append", required=True, metavar="NAME=VALUE,VALUE")
    args = parser.parse_args()
    params = load_params()
    if args.model not in params.models:
        raise UserError(f"expected a model of params.yaml ({', '.join(params.models)}), received {args.model!r}")
    trials = list_trials(args.set_param)
    variants = [check_trial(overrides, args.model) for overrides in trials]
    epochs = min(variant.models[args.model].epochs or variant.train.epochs for variant in variants)
    shared = set()  # features that no value changes
    for variant, overrides in zip(variants, trials, strict=True):
        features = variant.models[args.model].features
        are_changed = any(changes(override, "features.", "image_fit=", "image_size=") for override in overrides)
        if features in params.features and not are_changed:  # pixels are in none
            shared.add(features)

    connect()
    check_nodes([params.cluster.resources_of(args.model), *(resources_for_features(name, params) for name in shared)])
    steps = [f"features@{name}" for name in sorted(shared)]
    dvc("repro", "backbone", "pixels", *steps)
    dvc("push", "download", "backbone", "split", "pixels", *steps)
    table = tabulate(sweep(args.model, trials, params, epochs), trials)

    print(f"\n{table.to_string(index=False)}\n")  # noqa: T201
    if (table["end"] == UNFINISHED).any():
        raise KeyboardInterrupt  # which Tune caught
    settings = compare_settings(table, trials)
    if len(settings) < len(trials):
        print(f"{settings.to_string()}\n")  # noqa: T201
    print(describe_best(settings, recommend(settings, trials, params.train.seed), args.model))  # noqa: T201


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


def changes(override: str, *prefixes: str) -> bool:
    """Return whether an override changes a parameter with one of these prefixes."""
    return override.lstrip("+").startswith(prefixes)


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


def sweep(model: str, trials: list[list[str]], params: Params, epochs: int) -> tune.ResultGrid:
    """Run the trials, or those that an earlier run of the same sweep left."""
    lock = Path("dvc.lock").read_text(encoding="utf-8")
    folder = BACKUPS.resolve() / f"sweep-{model}-{sweep_key(model, trials, lock)[:12]}"
    trial = tune.with_parameters(Trial, model=model, lock=lock, trials=trials)
    trainable = tune.with_resources(trial, bundle(params.cluster.resources_of(model)))
    if tune.Tuner.can_restore(folder):
        return tune.Tuner.restore(str(folder), trainable, restart_errored=True).fit()
    numbers = {"number": tune.grid_search(list(range(len(trials))))}
    tune_config = tune.TuneConfig(scheduler=scheduler_of(trials, epochs))
    failures = tune.FailureConfig(max_failures=params.cluster.retries)
    checkpoints = tune.CheckpointConfig(checkpoint_at_end=False)  # DVC's remote has the models
    run_config = tune.RunConfig(
        name=folder.name,
        storage_path=str(folder.parent),
        failure_config=failures,
        checkpoint_config=checkpoints,
        verbose=0,
    )
    return tune.Tuner(trainable, param_space=numbers, tune_config=tune_config, run_config=run_config).fit()


def scheduler_of(trials: list[list[str]], epochs: int) -> tune.schedulers.TrialScheduler:
    """Return the rule that stops trials: below the median of the others' running means of validation accuracy.

    It begins after a quarter of the epochs, once three others are as far, and never pauses a trial to try another.
    Where settings have several seeds none is stopped, as the mean needs all of them.
    Source: Golovin et al., "Google Vizier", 2017.
    """
    if len(set(map(setting_of, trials))) < len(trials):
        return tune.schedulers.FIFOScheduler()
    return tune.schedulers.MedianStoppingRule(
        time_attr="epoch", metric="val_accuracy", mode="max", grace_period=max(1, epochs // 4), min_time_slice=math.inf
    )


def sweep_key(model: str, trials: list[list[str]], lock: str) -> str:
    """Hash all that the results of a sweep depend on; one with the same key continues where it stopped."""
    steps = yaml.safe_load(lock)["stages"]
    inputs = [step for step in sorted(steps) if step.partition("@")[0] in ("download", "backbone", "split", "features")]
    data = [steps[step]["outs"] for step in inputs]
    params = PARAMS.read_text(encoding="utf-8")
    return content_hash([model, json.dumps(trials), params, json.dumps(data), *read_code(TRAINING_CODE)])


if __name__ == "__main__":
    run(main)
