"""The trials of a sweep and what becomes of them; test_cluster.py runs one on a cluster."""

import pandas as pd
import pytest

from stages.cluster.sweep import average_over_seeds, check_trial, list_trials
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


def test_what_differs_in_the_seed_alone_is_averaged_where_it_finished() -> None:
    rows = [("8", 0, 0.5, "finished"), ("8", 1, 0.7, "finished"), ("16", 0, 0.9, "finished"), ("16", 1, 0.1, "stopped")]
    table = pd.DataFrame(rows, columns=["models.cnn.units", "train.seed", "last", "end"])
    averages = average_over_seeds(table).round(3).reset_index().to_numpy().tolist()
    assert averages == [["16", 0.9, 0.9, 0.9, 1], ["8", 0.6, 0.5, 0.7, 2]]
