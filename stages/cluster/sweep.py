"""Train a model with many settings, spread over a Ray cluster, and compare them.

Each trial is a training with changed parameters, in a folder of its own on some node; one whose validation accuracy
falls behind the others' stops early. Values are as for `dvc exp run --queue`; of several parameters, every combination
is tried. Finished trials' models go to DVC's default remote with their run cache: a `dvc exp run --pull` with the same
changes takes them from there instead of training. Started again, the same command goes on where it was stopped; a trial
whose process or node dies starts anew.

    python -m stages.cluster.sweep cnn -S models.cnn.dropout=0.3,0.5 -S 'train.seed=range(0,3)'    # six trials
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

from stages.cluster.nodes import bundle, check_nodes, connect
from stages.cluster.trial import FINISHED, Trial
from stages.cluster.workspace import dvc
from stages.common.params import PARAMS, Params, load_params
from stages.common.paths import BACKUPS
from stages.common.program import UserError, command_parser, first_line, run
from stages.training.backup import fingerprint, training_code

SEED = "train.seed"
UNFINISHED = "unfinished"

# The trials report their progress themselves, and DVC keeps their results.
os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("model", help="of params.yaml")
    parser.add_argument(
        "-S", "--set-param", action="append", required=True, metavar="NAME=VALUE,VALUE", help="values to try"
    )
    args = parser.parse_args()
    params = load_params()
    if args.model not in params.models:
        raise UserError(f"expected a model of params.yaml ({', '.join(params.models)}), received {args.model!r}")
    trials = list_trials(args.set_param)
    epochs = min(check_trial(overrides, args.model) for overrides in trials)

    connect()
    check_nodes([params.cluster.resources_of(args.model)])
    dvc("repro", "split")
    dvc("push", "download", "split")
    table = tabulate(sweep(args.model, trials, params, epochs), trials)

    print(f"\n{table.to_string(index=False)}\n")  # noqa: T201
    if (table["end"] == UNFINISHED).any():
        raise KeyboardInterrupt  # which Tune caught
    if (table["end"] != FINISHED).all():
        raise UserError("expected a trial that finishes, received none: the table says how each ended")
    if SEED in table and len(trials) > table[SEED].nunique():
        print(f"{average_over_seeds(table).to_string()}\n")  # noqa: T201
    best = trials[table.index[0]]
    changes = " ".join(f"-S '{override}'" for override in best)
    # The other models depend on train, too, and have not been trained with its changes.
    target = f" train@{args.model}" if any(override.startswith("train.") for override in best) else ""
    print(f"The best as an experiment, without training again: dvc exp run --pull {changes}{target}")  # noqa: T201


def list_trials(changes: list[str]) -> list[list[str]]:
    """Combine all values of all parameters: for each trial its changes, such as ``["train.seed=1", ...]``."""
    try:
        sweeps = [tuple(sweep[str(PARAMS)]) for sweep in get_hydra_sweeps({str(PARAMS): changes})]
    except (DvcException, ValueError) as error:
        raise UserError(f"-S: expected NAME=VALUE,VALUE: {error}") from error
    return [list(overrides) for overrides in dict.fromkeys(sweeps)]


def check_trial(overrides: list[str], model: str) -> int:
    """Check a trial's parameters, and return its number of epochs.

    Raises:
        UserError: The training does not depend on one of them, or one has a bad value.
    """
    for override in overrides:
        if not override.startswith(("train.", f"models.{model}.")):
            raise UserError(
                f"-S {override}: expected a parameter of train or models.{model}, on which the trials depend"
            )
    with TemporaryDirectory() as folder:
        path = Path(copy(PARAMS, folder))
        try:
            apply_overrides(path, overrides)
        except DvcException as error:
            raise UserError(f"-S {' '.join(overrides)}: {first_line(error.__cause__ or error)}") from error
        params = load_params(path)
    return params.models[model].epochs or params.train.epochs


def sweep(model: str, trials: list[list[str]], params: Params, epochs: int) -> tune.ResultGrid:
    """Run the trials, or those that an earlier run of the same sweep left; stop those that fall behind the others."""
    lock = Path("dvc.lock").read_text(encoding="utf-8")
    folder = BACKUPS.resolve() / f"sweep-{model}-{sweep_key(model, trials, lock)[:12]}"
    trainable = tune.with_resources(
        tune.with_parameters(Trial, model=model, lock=lock, trials=trials),
        tune.PlacementGroupFactory([bundle(params.cluster.resources_of(model))]),
    )
    if tune.Tuner.can_restore(folder):
        return tune.Tuner.restore(str(folder), trainable, restart_errored=True).fit()
    return tune.Tuner(
        trainable,
        param_space={"number": tune.grid_search(list(range(len(trials))))},
        tune_config=tune.TuneConfig(scheduler=median_stopping(epochs)),
        run_config=tune.RunConfig(
            name=folder.name,
            storage_path=str(folder.parent),
            failure_config=tune.FailureConfig(max_failures=params.cluster.retries),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # DVC's remote has the models
            verbose=0,
        ),
    ).fit()


def median_stopping(epochs: int) -> tune.schedulers.MedianStoppingRule:
    """Choose the trials to stop: those whose best validation accuracy is below the median of the others' means so far.

    It begins after a quarter of the epochs, once three others are as far, and never pauses a trial to try another.
    Source: Golovin et al., "Google Vizier", 2017.
    """
    return tune.schedulers.MedianStoppingRule(
        time_attr="epoch",
        metric="val_accuracy",
        mode="max",
        grace_period=max(1, epochs // 4),
        min_time_slice=math.inf,
    )


def sweep_key(model: str, trials: list[list[str]], lock: str) -> str:
    """Hash all that the results of a sweep depend on; one with the same key goes on where it was stopped."""
    steps = yaml.safe_load(lock)["stages"]
    data = json.dumps([steps["download"]["outs"], steps["split"]["outs"]])
    return fingerprint([model, json.dumps(trials), PARAMS.read_text(encoding="utf-8"), data, *training_code()])


def tabulate(results: tune.ResultGrid, trials: list[list[str]]) -> pd.DataFrame:
    """Make a row per trial, finished ones first, best first; the index is the trial's number."""
    rows = {}
    for result in results:
        metrics = result.metrics or {}
        number = result.config["number"]
        end = "stopped early" if metrics.get("done") else UNFINISHED
        rows[number] = {
            **dict(override.split("=", 1) for override in trials[number]),
            "epochs": metrics.get("epoch", 0),
            "last": metrics.get("val_accuracy", -math.inf),
            "best": metrics.get("best"),
            "end": f"failed: {first_line(result.error)}" if result.error else metrics.get("end", end),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").sort_index()
    best_first = table.sort_values("last", ascending=False, kind="stable")
    return best_first.sort_values("end", key=lambda ends: ends != FINISHED, kind="stable")


def average_over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Average the last validation accuracy of finished trials that differ in nothing but the seed."""
    changed = [column for column in table if "." in str(column) and column != SEED]
    finished = table[table["end"] == FINISHED]
    return finished.groupby(changed)["last"].agg(["mean", "min", "max", "count"]).sort_values("mean", ascending=False)


if __name__ == "__main__":
    run(main)
