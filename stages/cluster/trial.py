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
from stages.training.backup import History, read_backup

FINISHED = "finished"
POLL = 0.2  # seconds


class Trial(tune.Trainable):
    """A training with changed parameters, which reports each epoch's record.

    A training that says why it fails, as one whose loss is lost does, is a result; Tune starts again what dies or
    fails otherwise.
    """

    def setup(self, config: dict[str, Any], model: str, lock: str, trials: list[list[str]]) -> None:
        self.held = ExitStack()
        self.step_name = f"train@{model}"
        self.name = f"trial {config['number']} ({' '.join(trials[config['number']])})"
        print(f"{self.name} starts", flush=True)  # noqa: T201
        self.folder = self.held.enter_context(workspace(lock, trials[config["number"]]))
        self.history_files = (self.folder / BACKUPS / f"{model}.npz", self.folder / HISTORY / f"{model}.json")
        self.reported: History = []
        self.running = DvcProcess(self.folder, "repro", "--pull", "--single-item", self.step_name, echo=False)
        self.held.callback(self.running.kill)

    def step(self) -> dict[str, Any]:
        """Wait for the next epoch, or for the end."""
        while True:
            alive = self.running.process.poll() is None  # asked first, as the last epochs may come in between
            history = self.history()
            if len(history) > len(self.reported):
                self.reported = history[: len(self.reported) + 1]
                return self.result()
            if not alive:
                return self.finish()
            time.sleep(POLL)

    def history(self) -> History:
        backup, history = self.history_files
        if history.exists():
            return list(json.loads(history.read_text(encoding="utf-8")))
        try:
            return list(read_backup(backup)["history"])
        except FileNotFoundError:
            return self.reported

    def result(self) -> dict[str, Any]:
        last = self.reported[-1] if self.reported else {"epoch": 0, "val_accuracy": -math.inf}
        return {**last, "best": max((record["val_accuracy"] for record in self.reported), default=None)}

    def finish(self) -> dict[str, Any]:
        try:
            self.running.wait()
            trained = any(line.startswith("Running stage") for line in self.running.printed)
            self.running = DvcProcess(self.folder, "push", "--run-cache", self.step_name, echo=False)
            self.running.wait()
            end = FINISHED
        except NodeError:
            raise  # and Tune tries again
        except UserError as error:
            trained, end = True, f"failed: {error}"
        result = {**self.result(), "end": end, "done": True}
        how = "" if trained else ", taken from the run cache"
        print(f"{self.name} {end}: {result['val_accuracy']}{how}", flush=True)  # noqa: T201
        return result

    def cleanup(self) -> None:
        self.held.close()
