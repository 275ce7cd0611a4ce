"""What a sweep runs on a node of the cluster."""

import json
import math
import time
from contextlib import ExitStack
from typing import Any

from ray import tune

from stages.cluster.workspace import DvcProcess, NodeError, workspace
from stages.common.paths import BACKUPS, HISTORY
from stages.common.program import UserError
from stages.training.backup import History, read_content

FINISHED = "finished"
POLL = 0.2  # seconds


class Trial(tune.Trainable):
    """A training with changed parameters, which reports each epoch's record.

    A training that fails by the user's parameters, as one whose loss is lost does, is a result; Tune starts again what
    dies or fails otherwise.
    """

    def setup(self, config: dict[str, Any], model: str, lock: str, trials: list[list[str]]) -> None:
        overrides = trials[config["number"]]
        self.name = f"trial {config['number']} ({' '.join(overrides)})"
        print(f"{self.name} starts", flush=True)  # noqa: T201
        self.held = ExitStack()
        self.folder = self.held.enter_context(workspace(lock, overrides))
        self.history_file = self.folder / HISTORY / f"{model}.json"
        self.backup_file = self.folder / BACKUPS / f"{model}.npz"
        self.reported: History = []
        self.step_name = f"train@{model}"
        self.process = DvcProcess(self.folder, "repro", "--pull", "--single-item", self.step_name, echo=False)
        self.held.callback(lambda: self.process.kill())  # whichever runs by then

    def step(self) -> dict[str, Any]:
        """Wait for the next epoch, or for the end."""
        while True:
            running = self.process.is_running()  # asked first, as the last epochs may come in between
            history = self.history()
            if len(history) > len(self.reported):
                self.reported = history[: len(self.reported) + 1]
                return self.result()
            if not running:
                return self.finish()
            time.sleep(POLL)

    def history(self) -> History:
        if self.history_file.exists():
            return list(json.loads(self.history_file.read_text(encoding="utf-8")))
        try:
            return list(read_content(self.backup_file)["history"])
        except FileNotFoundError:
            return self.reported

    def result(self) -> dict[str, Any]:
        last = self.reported[-1] if self.reported else {"epoch": 0, "val_accuracy": -math.inf}
        return {**last, "best": max((record["val_accuracy"] for record in self.reported), default=None)}

    def finish(self) -> dict[str, Any]:
        how = ""
        try:
            self.process.wait()
            if not self.backup_file.parent.exists():  # every training makes this folder, and none removes it
                how = ", taken from the run cache"
            self.process = DvcProcess(self.folder, "push", "--run-cache", self.step_name, echo=False)
            self.process.wait()
            end = FINISHED
        except NodeError:
            raise  # and Tune tries again
        except UserError as error:
            end = f"failed: {error}"
        result = {**self.result(), "end": end, "done": True}
        print(f"{self.name} {end}: {result['val_accuracy']}{how}", flush=True)  # noqa: T201
        return result

    def cleanup(self) -> None:
        self.held.close()
