"""The trials of a sweep and what becomes of them; test_cluster.py runs one on a cluster."""

import math
from types import SimpleNamespace
from typing import NamedTuple

import pandas as pd
import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from stages.cluster.sweep import average_over_seeds, check_trial, list_trials, median_stopping, tabulate
from stages.common.program import UserError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("models.cnn.dropout=3", "models.cnn.dropout: expected less than 1, received 3"),
        ("models.cnn.drop=0.3", "-S .* models.cnn.drop=0.3: Could not override 'models.cnn.drop'.$"),
        ("split.seed=1", "-S split.seed=1: expected a parameter of train or models.cnn"),
        ("models.transfer.dropout=0.1", "-S models.transfer.dropout=0.1: expected a parameter of"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_a_trial_that_cannot_be_is_refused(change: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_trial(["train.seed=1", change], "cnn")


def test_the_trials_of_a_sweep_are_all_combinations_each_once() -> None:
    trials = list_trials(["models.cnn.units=8,16,8", "train.seed=range(0,2)"])
    assert trials == [[f"models.cnn.units={units}", f"train.seed={seed}"] for units in (8, 16) for seed in (0, 1)]


class Row(NamedTuple):
    """What Tune's scheduler sees of a trial."""

    trial_id: str
    status: str = Trial.RUNNING


class Others:
    """What it sees of the sweep: there is always a trial that waits for a node."""

    @staticmethod
    def get_live_trials() -> list[Row]:
        return [Row("waiting", Trial.PENDING)]


def test_a_trial_that_falls_behind_the_median_is_stopped_after_a_quarter_of_the_epochs_and_no_other() -> None:
    curves = {
        "best": [0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9],
        "good": [0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8],
        "late": [0.3, 0.6, 0.7, 0.7, 0.7, 0.8, 0.8, 0.9],
        "laggard": [0.2, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4],
    }
    rule = median_stopping(epochs=8)
    stopped = {}
    for epoch in range(1, 9):
        for name in [name for name in curves if name not in stopped]:
            result = {"epoch": epoch, "val_accuracy": curves[name][epoch - 1]}
            decision = rule.on_trial_result(Others, Row(name), result)
            assert decision in {TrialScheduler.CONTINUE, TrialScheduler.STOP}, "never paused for another"
            if decision == TrialScheduler.STOP:
                stopped[name] = epoch
    assert stopped == {"laggard": 2}


def test_the_best_of_the_trials_that_finished_comes_first() -> None:
    ends = {"finished": [0.7, 0.8], "stopped early": [0.9], "failed: expected a finite loss": [-math.inf]}
    metrics = [{"val_accuracy": last, "epoch": 4, "end": end} for end, lasts in ends.items() for last in lasts]
    results = [SimpleNamespace(config={"number": n}, metrics=row, error=None) for n, row in enumerate(metrics)]
    table = tabulate(results, [[f"train.seed={number}"] for number in range(4)])
    assert table["train.seed"].tolist() == ["1", "0", "2", "3"]
    assert table.index[0] == 1


def test_what_differs_in_the_seed_alone_is_averaged_where_it_finished() -> None:
    rows = [("8", 0, 0.5, "finished"), ("8", 1, 0.7, "finished"), ("16", 0, 0.9, "finished"), ("16", 1, 0.1, "stopped")]
    table = pd.DataFrame(rows, columns=["models.cnn.units", "train.seed", "last", "end"])
    averages = average_over_seeds(table).round(3).reset_index().to_numpy().tolist()
    assert averages == [["16", 0.9, 0.9, 0.9, 1], ["8", 0.6, 0.5, 0.7, 2]]
