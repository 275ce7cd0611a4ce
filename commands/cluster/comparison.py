"""Compare the settings of a sweep: a setting is what a trial changes besides seeds."""

import math
import re

import pandas as pd
from ray import tune

from commands.cluster.trial import FINISHED
from stages.common.cli import UserError, first_line

SEED = re.compile(r"\+*(train|features\.[^.]+)\.seed=")
UNFINISHED = "unfinished"


def setting_of(overrides: list[str]) -> str:
    """Return what a trial changes besides seeds."""
    return " ".join(override for override in overrides if not SEED.match(override)) or "as in params.yaml"


def tabulate(results: tune.ResultGrid, trials: list[list[str]]) -> pd.DataFrame:
    """Return a row per trial, finished ones first, best first; the index is the trial's."""
    rows = {}
    for result in results:
        metrics = result.metrics or {}
        index = result.config["number"]
        end = metrics.get("end", "stopped early" if metrics.get("done") else UNFINISHED)
        rows[index] = {
            **dict(override.split("=", 1) for override in trials[index]),
            "epochs": metrics.get("epoch", 0),
            "kept": metrics.get("val_accuracy", -math.inf),
            "best": metrics.get("best"),
            "end": f"failed: {first_line(result.error)}" if result.error else end,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").sort_index()
    best_first = table.sort_values("kept", ascending=False, kind="stable")
    return best_first.sort_values("end", key=lambda ends: ends != FINISHED, kind="stable")


def compare_settings(table: pd.DataFrame, trials: list[list[str]]) -> pd.DataFrame:
    """Tabulate the ``mean``, ``min`` and ``max`` validation accuracy of each setting over its ``seeds``, best first.

    Settings with unfinished seeds come last, with NaN: their mean may be one over lucky seeds.
    """
    settings = [setting_of(trials[index]) for index in table.index]
    groups = table.assign(finished=table["end"] == FINISHED).groupby(settings, sort=False)
    means = groups["kept"].agg(["mean", "min", "max"]).assign(seeds=groups.size(), finished=groups["finished"].sum())
    means.loc[means["finished"] < means["seeds"], ["mean", "min", "max"]] = math.nan
    return means.sort_values("mean", ascending=False, kind="stable")


def recommend(settings: pd.DataFrame, trials: list[list[str]], seed: int) -> list[str]:
    """Return the trial of the best setting that has this seed, that of ``params.yaml``, or else its first."""
    if math.isnan(settings["mean"].iloc[0]):
        raise UserError("expected a setting whose trials all finish, received none: the table says how each ended")
    candidates = [overrides for overrides in trials if setting_of(overrides) == settings.index[0]]
    return next((overrides for overrides in candidates if f"train.seed={seed}" in overrides), candidates[0])
