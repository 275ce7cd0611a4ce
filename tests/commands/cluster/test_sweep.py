"""Trials of a sweep and their comparison; test_cluster.py runs one on a cluster."""

from typing import Any

import pandas as pd
import pytest

from commands.cluster.sweep import check_trial, compare_settings, list_trials, recommend, tabulate
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


TWICE = r"-S train.seed: expected once, with all its values, received twice"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(([bad], "-S: expected NAME=VALUE,VALUE: ") for bad in ("models.cnn.dropout", "range(0,3)", "a.b=[8,16")),
        *((twice, TWICE) for twice in (["train.seed=1,2", "train.seed=3"], ["+train.seed=1", "+a=2", "train.seed=2"])),
    ],
)
def test_an_option_without_its_values_is_one_line(options: list[str], message: str) -> None:
    with pytest.raises(UserError, match=rf"^{message}[^\n]*$"):
        list_trials(options)


def test_trials_are_all_combinations_each_once() -> None:
    assert list_trials(["models.cnn.dense_units=8,16,8", "train.seed=range(0,2)"]) == TRIALS


TRIALS = [[f"models.cnn.dense_units={units}", f"train.seed={seed}"] for units in (8, 16) for seed in (0, 1)]


def history(*scores: float, selected: int) -> History:
    records: History = [{"epoch": epoch, "val_accuracy": score} for epoch, score in enumerate(scores, 1)]
    records[selected]["kept"] = True
    return records


def test_trials_are_listed_by_the_selected_epoch() -> None:
    """By the last epoch where none is marked."""
    last_selected: History = [{"epoch": 1, "val_accuracy": 0.9}, {"epoch": 2, "val_accuracy": 0.7}]
    results: list[Any] = [history(0.8, selected=0), UserError("no loss"), last_selected, history(0.75, 0.6, selected=0)]
    table = tabulate([[f"train.seed={number}", "+a=x=1"] for number in range(4)], results)
    assert table.columns.tolist() == ["train.seed", "+a", "epochs", "val_accuracy", "status"]
    assert table.fillna({"val_accuracy": -1}).to_numpy().tolist() == [
        ["0", "x=1", 1, 0.8, "finished"],
        ["3", "x=1", 2, 0.75, "finished"],
        ["2", "x=1", 2, 0.7, "finished"],
        ["1", "x=1", 0, -1, "failed: no loss"],
    ]


def table_of(*scores: float | None) -> pd.DataFrame:
    """A table of ``TRIALS`` with these scores, None for those that failed."""
    return tabulate(TRIALS, [UserError("loss") if score is None else history(score, selected=0) for score in scores])


def test_settings_are_compared_by_all_their_seeds() -> None:
    settings = compare_settings(table_of(0.5, 0.7, 0.9, 0.1))
    rows = [["models.cnn.dense_units=8", 0.6, 0.5, 0.7, 2, 2], ["models.cnn.dense_units=16", 0.5, 0.1, 0.9, 2, 2]]
    assert settings.round(3).reset_index().to_numpy().tolist() == rows
    assert recommend(settings, TRIALS, seed=1) == ["models.cnn.dense_units=8", "train.seed=1"]


def test_a_setting_with_a_failed_seed_is_not_recommended() -> None:
    settings = compare_settings(table_of(0.5, 0.7, 0.9, None))
    assert settings["mean"].dropna().to_dict() == {"models.cnn.dense_units=8": pytest.approx(0.6)}
    assert settings["seeds"].tolist() == [2, 2]
    assert settings["finished"].to_dict() == {"models.cnn.dense_units=8": 2, "models.cnn.dense_units=16": 1}
    assert recommend(settings, TRIALS, seed=7) == ["models.cnn.dense_units=8", "train.seed=0"]
    with pytest.raises(UserError, match="expected a setting whose trials all finish, received none"):
        recommend(compare_settings(table_of(*[None] * 4)), TRIALS, seed=0)


def test_a_sweep_of_nothing_but_seeds_has_one_setting() -> None:
    trials = [["train.seed=0"], ["train.seed=1"]]
    settings = compare_settings(tabulate(trials, [history(0.5, selected=0), history(0.7, selected=0)]))
    assert settings["mean"].to_dict() == {"as in params.yaml": pytest.approx(0.6)}
    assert recommend(settings, trials, seed=0) == ["train.seed=0"]
