import json
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import load_yaml

from commands import sort_dvc_lock


def test_the_lock_is_that_of_a_serial_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ended first; a step that was removed comes last."""
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
    sort_dvc_lock.main()  # in the second folder
    assert serial.read_bytes() == parallel.read_bytes()

    Path("dvc.yaml").write_text(json.dumps({"stages": {"two": stages["two"]}}))
    sort_dvc_lock.main()
    assert list(load_yaml(parallel)["stages"]) == ["two", "one"]
