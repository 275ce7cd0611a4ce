"""What the trials of a sweep say of its settings: a setting is what a trial changes besides the seed."""

import math
import re

import pandas as pd
from ray import tune

from commands.cluster.trial import FINISHED
from stages.common.cli import UserError, first_line

SEED = "train.seed"
ANY_SEED = re.compile(r"\+*(train|features\.[^.]+)\.seed=")
UNFINISHED = "unfinished"


def setting_of(overrides: list[str]) -> str:
    """Name what a trial changes besides seeds."""
    return " ".join(override for override in overrides if not ANY_SEED.match(override)) or "as in params.yaml"


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
            "kept": metrics.get("val_accuracy", -math.inf),
            "best": metrics.get("best"),
            "end": f"failed: {first_line(result.error)}" if result.error else metrics.get("end", end),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").sort_index()
    best_first = table.sort_values("kept", ascending=False, kind="stable")
    return best_first.sort_values("end", key=lambda ends: ends != FINISHED, kind="stable")


def compare_settings(table: pd.DataFrame, trials: list[list[str]]) -> pd.DataFrame:
    """Average the validation accuracy of each setting over its seeds.

    Returns:
        A row per setting, best first: ``mean``, ``min`` and ``max`` over its ``seeds``, of which so many ``finished``.
        Settings of which not all finished come last, with NaN: the others' mean may be one over lucky seeds.
    """
    groups = table.assign(finished=table["end"] == FINISHED).groupby(
        [setting_of(trials[number]) for number in table.index], sort=False
    )
    settings = groups["kept"].agg(["mean", "min", "max"]).assign(seeds=groups.size(), finished=groups["finished"].sum())
    settings.loc[settings["finished"] < settings["seeds"], ["mean", "min", "max"]] = math.nan
    return settings.sort_values("mean", ascending=False, kind="stable")


def recommend(settings: pd.DataFrame, trials: list[list[str]], seed: int) -> list[str]:
    """Choose the trial of the best setting that has this seed, the one of params.yaml, or else its first.

    Raises:
        UserError: No setting's seeds all finished.
    """
    best = settings.index[0]
    if math.isnan(settings["mean"].iloc[0]):
        raise UserError("expected a setting whose trials all finish, received none: the table says how each ended")
    candidates = [overrides for overrides in trials if setting_of(overrides) == best]
    return next((overrides for overrides in candidates if f"{SEED}={seed}" in overrides), candidates[0])
