"""dvc.lock in the order of dvc.yaml, whatever ended first."""

import json
from pathlib import Path

import pytest
from dvc.repo import Repo

from commands import order_lock


def test_steps_are_put_in_order_and_unknown_ones_last() -> None:
    steps = {"removed": 0, "train@b": 2, "train@a": 1, "split": 3}
    ordered = order_lock.in_order(steps, ["split", "train@a", "train@b", "evaluate"])
    assert list(ordered.items()) == [("split", 3), ("train@a", 1), ("train@b", 2), ("removed", 0)]


def test_steps_that_ran_in_another_order_leave_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = []
    for name, order in {"serial": ["one", "two"], "parallel": ["two", "one"]}.items():
        folder = tmp_path / name
        folder.mkdir()
        Repo.init(str(folder), no_scm=True).close()
        stages = {step: {"cmd": f"echo {step} > {step}", "outs": [step]} for step in ("one", "two")}
        (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))
        monkeypatch.chdir(folder)
        with Repo() as repo:
            for step in order:
                repo.reproduce(step, single_item=True)
        locks.append(folder / "dvc.lock")
    serial, parallel = locks
    assert serial.read_bytes() != parallel.read_bytes()
    order_lock.main()  # in the second folder
    assert serial.read_bytes() == parallel.read_bytes()
