"""Trials of a sweep and their comparison; test_cluster.py runs one on a cluster."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from commands.cluster import trial
from commands.cluster.sweep import check_trial, list_trials, scheduler_of
from commands.cluster.trial import compare_settings, recommend, tabulate
from stages.common.cli import UserError
from stages.training.training_run import History


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("models.cnn.dropout=3", "^-S .*dropout=3: models.cnn.dropout: expected less than 1, received 3"),
        ("models.cnn.drop=0.3", "-S .* models.cnn.drop=0.3: Could not override 'models.cnn.drop'."),
        ("models.cnn.epochs=3", "To append to your config use \\+models.cnn.epochs=3"),
        ("+models.cnn.epoch=3", "models.cnn.epoch: unknown key"),
        ("train.runs=2", "^train.runs: expected 1 in a sweep, received 2: add -S train.runs=1"),
        ("split.test_every=2", "-S split.test_every=2: expected a parameter of train, models.cnn, image_fit or im"),
        ("models.transfer.dropout=0.1", "-S models.transfer.dropout=0.1: expected a parameter of"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_a_bad_override_is_refused(change: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_trial(["train.seed=1", change], "cnn")


@pytest.mark.usefixtures("workspace")
def test_a_trial_may_decode_photos_and_extract_features() -> None:
    params = check_trial(["image_size=32", "image_fit=pad"], "cnn")
    assert (params.image_size, params.image_fit) == ((32, 32), "pad")
    assert check_trial(["+features.mobilenet_v2.seed=1"], "transfer").features["mobilenet_v2"].seed == 1


@pytest.mark.parametrize("option", ["models.cnn.dropout", "range(0,3)", "models.cnn.filters=[8,16"])
def test_an_option_without_values_is_one_line(option: str) -> None:
    with pytest.raises(UserError, match=r"^-S: expected NAME=VALUE,VALUE: .*$") as error:
        list_trials([option])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options", [["train.seed=1,2", "train.seed=3"], ["+train.seed=1", "+a=2", "train.seed=2"]])
def test_a_parameter_given_twice_is_refused(options: list[str]) -> None:
    with pytest.raises(UserError, match=r"^-S train.seed: expected once, with all its values, received twice$"):
        list_trials(options)


def test_trials_are_all_combinations_each_once() -> None:
    assert list_trials(["models.cnn.dense_units=8,16,8", "train.seed=range(0,2)"]) == TRIALS


TRIALS = [[f"models.cnn.dense_units={units}", f"train.seed={seed}"] for units in (8, 16) for seed in (0, 1)]


class Row(NamedTuple):
    """A trial, as Tune's scheduler sees it."""

    trial_id: str
    status: str = Trial.RUNNING


def test_a_trial_below_the_median_is_stopped() -> None:
    """After a quarter of the epochs; none is paused for another."""
    curves = {
        "best": [0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9],
        "good": [0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8],
        "late": [0.3, 0.6, 0.7, 0.7, 0.7, 0.8, 0.8, 0.9],
        "laggard": [0.2, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4],
    }
    rule = scheduler_of(TRIALS[::2], epochs=8)
    sweep: Any = SimpleNamespace(get_live_trials=lambda: [Row("waiting", Trial.PENDING)])  # as one always is
    stopped = {}
    for epoch in range(1, 9):
        for name in [name for name in curves if name not in stopped]:
            result = {"epoch": epoch, "val_accuracy": curves[name][epoch - 1]}
            decision = rule.on_trial_result(sweep, Row(name), result)
            assert decision in {TrialScheduler.CONTINUE, TrialScheduler.STOP}
            if decision == TrialScheduler.STOP:
                stopped[name] = epoch
    assert stopped == {"laggard": 2}
    assert type(scheduler_of(TRIALS, epochs=8)) is FIFOScheduler, "with several seeds none is stopped"


def test_the_best_finished_trial_comes_first() -> None:
    ends = {"finished": [0.7, 0.8], "stopped early": [0.9], "failed: expected a finite loss": [-math.inf]}
    metrics = [{"val_accuracy": last, "epoch": 4, "end": end} for end, lasts in ends.items() for last in lasts]
    results = [SimpleNamespace(config={"number": n}, metrics=row, error=None) for n, row in enumerate(metrics)]
    table = tabulate(results, [[f"train.seed={number}"] for number in range(4)])
    assert table["train.seed"].tolist() == ["1", "0", "2", "3"]
    assert table.index[0] == 1


def table_of(*rows: tuple[float, str]) -> pd.DataFrame:
    """Accuracy and end of each of ``TRIALS``, best first."""
    return pd.DataFrame(rows, columns=["kept", "end"]).sort_values("kept", ascending=False)


def test_settings_are_compared_by_all_their_seeds() -> None:
    table = table_of((0.5, "finished"), (0.7, "finished"), (0.9, "finished"), (0.1, "finished"))
    settings = compare_settings(table, TRIALS)
    rows = [["models.cnn.dense_units=8", 0.6, 0.5, 0.7, 2, 2], ["models.cnn.dense_units=16", 0.5, 0.1, 0.9, 2, 2]]
    assert settings.round(3).reset_index().to_numpy().tolist() == rows
    assert recommend(settings, TRIALS, seed=1) == ["models.cnn.dense_units=8", "train.seed=1"]


def test_a_setting_with_an_unfinished_seed_is_not_recommended() -> None:
    table = table_of((0.5, "finished"), (0.7, "finished"), (0.9, "finished"), (0.8, "failed: loss"))
    settings = compare_settings(table, TRIALS)
    assert settings["mean"].dropna().to_dict() == {"models.cnn.dense_units=8": pytest.approx(0.6)}
    assert settings["seeds"].tolist() == [2, 2]
    assert settings["finished"].to_dict() == {"models.cnn.dense_units=8": 2, "models.cnn.dense_units=16": 1}
    assert recommend(settings, TRIALS, seed=7) == ["models.cnn.dense_units=8", "train.seed=0"]
    with pytest.raises(UserError, match="expected a setting whose trials all finish, received none"):
        recommend(compare_settings(table.assign(end="stopped early"), TRIALS), TRIALS, seed=0)


def test_a_sweep_of_nothing_but_seeds_has_one_setting() -> None:
    trials = [["train.seed=0"], ["train.seed=1"]]
    settings = compare_settings(table_of((0.5, "finished"), (0.7, "finished")), trials)
    assert settings["mean"].to_dict() == {"as in params.yaml": pytest.approx(0.6)}
    assert recommend(settings, trials, seed=0) == ["train.seed=0"]


def test_an_ended_trial_reports_the_selected_epoch(tmp_path: Path) -> None:
    """It is marked only in the history that ``train`` writes at its end, after the last epoch was reported."""
    epochs: History = [{"epoch": 1, "val_accuracy": 0.8}, {"epoch": 2, "val_accuracy": 0.7}]
    training = trial.Trial.__new__(trial.Trial)  # without Ray
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
