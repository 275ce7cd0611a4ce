"""The trials of a sweep: one on a node of the cluster, and the comparison of all.

A setting is what a trial changes besides seeds.
"""

import json
import math
import re
import time
from contextlib import ExitStack
from typing import Any

import pandas as pd
from ray import tune

from commands.cluster.workspace import DvcProcess, NodeError, dvc, workspace
from stages.common.cli import UserError, first_line
from stages.common.params import PARAMS, load_params
from stages.common.paths import BACKUPS, HISTORY
from stages.training.training_run import History, read_backup_history

FINISHED, UNFINISHED = "finished", "unfinished"
SEED = re.compile(r"\+*(train|features\.[^.]+)\.seed=")
POLL_S = 0.2


class Trial(tune.Trainable):
    """Training run with changed parameters, which reports each epoch's record.

    A run that fails because of the user's parameters, such as a loss that is not finite, is a result; Tune restarts
    a run that dies or fails otherwise.
    """

    def setup(self, config: dict[str, Any], model: str, lock: str, trials: list[list[str]]) -> None:
        overrides = trials[config["number"]]
        self.name = f"trial {config['number']} ({' '.join(overrides)})"
        print(f"{self.name} starts", flush=True)  # noqa: T201
        self.stack = ExitStack()
        self.folder = self.stack.enter_context(workspace(lock, overrides))
        self.history_file = self.folder / HISTORY / f"{model}.json"
        self.backup_file = self.folder / BACKUPS / f"{model}.npz"
        self.reported: History = []
        model_config = load_params(self.folder / PARAMS).models[model]
        features = [f"features@{model_config.features}"] if model_config.has_backbone else []
        self.steps = ("pixels", *features, f"train@{model}")  # the first are up to date, or the trial changes them
        self.process = DvcProcess("repro", "--pull", "--single-item", *self.steps, folder=self.folder, echo=False)
        self.stack.callback(self.process.kill)

    def step(self) -> dict[str, Any]:
        """Wait for the next epoch, or for the end."""
        while True:
            running = self.process.is_running()  # asked first, as the last epochs may come in between
            history = self.history()
            if len(history) > len(self.reported):
                self.reported = history[: len(self.reported) + 1]
                return self.result()
            if not running:
                self.reported = history or self.reported  # now with a mark on the selected epoch
                return {**self.result(), "end": self.finish(), "done": True}
            time.sleep(POLL_S)

    def history(self) -> History:
        if self.history_file.exists():
            return list(json.loads(self.history_file.read_text(encoding="utf-8")))
        try:
            return read_backup_history(self.backup_file)
        except FileNotFoundError:
            return []

    def result(self) -> dict[str, Any]:
        """Return the last epoch's record, with the accuracy of the selected epoch once there is one."""
        last = self.reported[-1] if self.reported else {"epoch": 0, "val_accuracy": -math.inf}
        selected = next((record for record in self.reported if record.get("kept")), last)
        best = max((record["val_accuracy"] for record in self.reported), default=None)
        return {**last, "val_accuracy": selected["val_accuracy"], "best": best}

    def finish(self) -> str:
        """Push the results, and return how the training run ended."""
        end, source = FINISHED, ""
        try:
            self.process.wait()
            if not self.backup_file.parent.exists():  # every training run makes this folder, and none removes it
                source = ", taken from the run cache"
            dvc("push", "--run-cache", *self.steps, folder=self.folder, echo=False)
        except NodeError:
            raise  # and Tune tries again
        except UserError as error:
            end = f"failed: {error}"
        print(f"{self.name} {end}: {self.result()['val_accuracy']}{source}", flush=True)  # noqa: T201
        return end

    def cleanup(self) -> None:
        self.stack.close()


def setting_of(overrides: list[str]) -> str:
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
