"""One trial of a sweep, on a node of the cluster."""

import json
import math
import time
from contextlib import ExitStack
from typing import Any

from ray import tune

from commands.cluster.workspace import DvcProcess, NodeError, dvc, workspace
from stages.common.cli import UserError
from stages.common.params import PARAMS, load_params
from stages.common.paths import BACKUPS, HISTORY
from stages.training.backup import History, read_content

FINISHED = "finished"
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
            return list(read_content(self.backup_file)["history"])
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
