"""`make repro`: which steps it starts, and after which others; the order of its lock file; the settings of make."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import load_yaml

from commands import sort_dvc_lock
from stages.common.cli import UserError
from tests.conftest import PROJECT
from tests.project import environment, run

DVC = """#!/bin/sh
if [ "$1" = stage ]; then cat steps; exit; fi
echo "start $*" >> log; sleep 0.1; echo "end $*" >> log
"""


def log_of_repro(folder: Path, steps: list[str], jobs: int) -> list[str]:
    """What `make repro` starts and ends, with a DVC that only lists ``steps`` and logs."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(PROJECT / name, folder)
    programs = folder / ".venv/bin"
    programs.mkdir(parents=True)
    for name, script in {"dvc": DVC, "python": "#!/bin/sh\n"}.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    (folder / ".venv/pipeline").touch()
    (folder / "steps").write_text("\n".join(steps))
    run(folder, "git", "init", "--quiet")
    run(folder, "make", f"--jobs={jobs}", "repro")
    return (folder / "log").read_text().splitlines()


def test_what_needs_features_waits_for_them(tmp_path: Path) -> None:
    waiting = ["train@x", "train@y", "label_issues@a"]
    log = log_of_repro(tmp_path, ["split", "label_stats", "pixels", "features@a", "features@b", *waiting], jobs=4)
    assert (log[0], log[-1]) == ("start repro backbone pixels", "end repro")
    single = "--wait-for-lock repro --single-item"
    features_end = max(log.index(f"end {single} features@{name}") for name in "ab")
    assert all(log.index(f"start {single} {name}") > features_end for name in waiting)


@pytest.mark.parametrize("models", [["train@cnn"], []])
def test_a_project_without_features(tmp_path: Path, models: list[str]) -> None:
    log = log_of_repro(tmp_path, ["label_stats", *models], jobs=1)
    started = [line.split()[-1] for line in log if line.startswith("start")]
    assert started == ["pixels", *models, "label_stats", "repro"]


def test_the_lock_has_the_order_of_the_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ended first; a step that was removed comes last."""
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    step = {"cmd": "true"}
    Path("dvc.yaml").write_text(json.dumps({"stages": {"one": step, "two": step}}))
    Path("dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"gone": step, "two": step, "one": step}}))
    sort_dvc_lock.main()
    assert list(load_yaml("dvc.lock")["stages"]) == ["one", "two", "gone"]
    Path("dvc.lock").write_text("<<<<<<< HEAD\n")
    with pytest.raises(UserError, match=r"^expected a DVC project with a dvc.lock: [^\n]*: run `dvc repro`$"):
        sort_dvc_lock.main()
    Path("dvc.lock").unlink()
    with pytest.raises(UserError, match=r"^expected dvc.lock, found none: run `dvc repro`$"):
        sort_dvc_lock.main()


def test_settings_that_break_an_installation_are_overridden() -> None:
    """And every line is run by a shell that finds the project's Python first."""
    rule = "show: ; @echo $(SHELL) $$PIP_USER $$PYTHONDONTWRITEBYTECODE $$PATH"
    settings = {**environment(PROJECT), "PIP_USER": "yes", "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["make", f"--eval={rule}", "show"]
    shown = subprocess.run(command, cwd=PROJECT, env=settings, capture_output=True, text=True, check=True).stdout
    assert shown.startswith(f"bash no {PROJECT}/.venv/bin:")
