"""Reports of one trial of a sweep; test_cluster.py runs some on a cluster."""

import json
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from commands.cluster import trial
from commands.cluster.trial import Trial
from stages.training.backup import History


def test_an_ended_trial_reports_the_selected_epoch(tmp_path: Path) -> None:
    """It is marked only in the history that ``train`` writes at its end, after the last epoch was reported."""
    epochs: History = [{"epoch": 1, "val_accuracy": 0.8}, {"epoch": 2, "val_accuracy": 0.7}]
    training = Trial.__new__(Trial)  # without Ray
    training.reported = []
    training.history_file, training.backup_file = tmp_path / "history.json", tmp_path / "backup.npz"
    np.savez(training.backup_file, history=json.dumps(epochs))
    training.process = SimpleNamespace(is_running=lambda: True)  # type: ignore[assignment]
    assert [training.step()["val_accuracy"] for _ in epochs] == [0.8, 0.7]

    training.history_file.write_text(json.dumps([{**epochs[0], "kept": True}, epochs[1]]))
    training.process = SimpleNamespace(is_running=lambda: False)  # type: ignore[assignment]
    training.finish = lambda: "finished"  # type: ignore[method-assign]
    ended = {"epoch": 2, "val_accuracy": 0.8, "best": 0.8, "end": "finished", "done": True}
    assert training.step() == ended
    training.history_file.unlink()
    training.backup_file.unlink()
    assert training.step() == ended, "what was reported stays where a killed process left nothing"


@pytest.mark.parametrize("trained", [True, False])
def test_a_run_without_training_is_from_the_run_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: bool
) -> None:
    """However long its output: only the last lines are kept."""
    monkeypatch.setattr(trial, "dvc", lambda *_, **__: None)
    finished = Trial.__new__(Trial)  # without Ray
    finished.name, finished.steps, finished.folder = "trial 0", ("pixels", "train@cnn"), tmp_path
    finished.reported = [{"epoch": 1, "val_accuracy": 0.5}]
    finished.backup_file = tmp_path / "backups/cnn.npz"
    finished.process = SimpleNamespace(wait=lambda: None, last_lines=deque(["an epoch"] * 100))  # type: ignore[assignment]
    if trained:
        finished.backup_file.parent.mkdir()
    assert finished.finish() == "finished"
    assert capsys.readouterr().out == f"trial 0 finished: 0.5{'' if trained else ', taken from the run cache'}\n"
