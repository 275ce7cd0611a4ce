"""A copy of the project with few and small drawn photos, and commands run in it as a user would."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from stages.sample.archive import write_archive
from tests.conftest import PROJECT, edit_params

MODELS = ["cnn", "augmented", "preprocessed", "transfer", "fine_tuned"]
TINY = {
    "download.photos": "data/sample.zip",
    "backbones.mobilenet_v2.weights": "data/sample_backbone.weights.h5",
    "backbones.mobilenet_v2.options.alpha": 0.35,
    "train.image_size": [64, 64],
    "train.batch_size": 8,
    "train.epochs": 2,
    "train.precision": "float32",  # the same on any machine
}


# Two ways to make the first run, whose results are to be the same.
FIRST_RUNS = {
    "one run": ["dvc", "repro"],
    "another run": ["make", "--jobs", "2", "repro"],
}


def environment(folder: Path) -> dict[str, str]:
    """The environment of a user who has never set up git or DVC and has the project's Python on the path."""
    foreign = ("GIT_", "DVC_", "MAKE", "MFLAGS")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent / "home"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def run(folder: Path, *command: str, check: bool = True) -> str:
    """Run a command in the folder and return what it printed, stdout and stderr together."""
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    if check:
        assert finished.returncode == 0, finished.stdout
    else:
        assert finished.returncode != 0, finished.stdout
    return finished.stdout


def commit(folder: Path) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "test")


def lay_out(folder: Path) -> Path:
    """Lay out the project in a folder of its own, as a fresh clone has it but for tiny parameters and photos."""
    listed = run(PROJECT, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    edit_params(folder / "params.yaml", TINY)
    write_archive(folder / "data/sample.zip", ["cats", "dogs"], train=12, validation=10, seed=0)
    run(folder, "git", "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def ran(output: str) -> list[str]:
    """The steps that a `dvc repro` ran, by its own account."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of pytest-xdist have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def claim_run(tmp_path_factory: pytest.TempPathFactory) -> str | None:
    """Take the first of ``FIRST_RUNS`` that no process has taken."""
    for name in FIRST_RUNS:
        with suppress(FileExistsError):
            (shared_folder(tmp_path_factory) / name).mkdir()
            return name
    return None


def first_run(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the whole pipeline in a new folder, and commit the result."""
    folder = lay_out(shared_folder(tmp_path_factory) / name / "project")
    (folder / ".venv").mkdir()
    (folder / ".venv/pipeline").touch()  # or make would install everything once more
    run(folder, *FIRST_RUNS.get(name, ["dvc", "repro"]))
    commit(folder)
    (folder.parent / "done").touch()
    return folder


def await_run(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wait for a first run that another process makes."""
    folder = shared_folder(tmp_path_factory) / name
    end = time.monotonic() + 600
    while not (folder / "done").exists():
        assert time.monotonic() < end, f"{name} did not come to its end"
        time.sleep(0.5)
    return folder / "project"


def keep_models(folder: Path, *names: str) -> None:
    """Take all other models out of params.yaml, and delete their files as `evaluate` asks for."""
    entries = yaml.safe_load((folder / "params.yaml").read_text())["models"]
    edit_params(folder / "params.yaml", {"models": {name: entries[name] for name in names}})
    for name in entries.keys() - set(names):
        for file in (f"data/models/{name}.keras", f"data/models/{name}.json", f"plots/history/{name}.json"):
            (folder / file).unlink()
