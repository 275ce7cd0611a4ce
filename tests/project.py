"""A copy of the project with few and small synthetic images, and commands run in it as a user would."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from filelock import FileLock

from commands.sample.photo_archive import write_archive
from tests.conftest import PROJECT, edit_params

MODELS = ["linear", "cnn", "augmented", "preprocessed", "transfer", "fine_tuned"]
TINY = {
    "download.photos": "data/sample.zip",
    "backbones.mobilenet_v2.weights": "data/sample_backbone.weights.h5",
    "backbones.mobilenet_v2.options.alpha": 0.35,
    "image_size": 64,
    "train.batch_size": 8,
    "train.epochs": 2,
    "train.precision": "float32",  # the same on any machine
}


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user who has not set up git or DVC, with the project's Python on the path."""
    foreign = ("GIT_", "DVC_", "MAKE", "MFLAGS")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**inherited, "PATH": path, "HOME": str(folder.parent / "home"), "GIT_CONFIG_NOSYSTEM": "1"}


def run(folder: Path, *command: str, check: bool = True) -> str:
    """Run a command that must succeed, or fail without ``check``; return stdout and stderr together."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    ended = subprocess.run(command, cwd=folder, env=environment(folder), text=True, timeout=600, check=False, **pipes)
    assert (ended.returncode == 0) == check, ended.stdout
    return str(ended.stdout)


@contextmanager
def started(folder: Path, *command: str, output: int = subprocess.PIPE) -> Iterator["subprocess.Popen[str]"]:
    """Start a command in the folder; kill it and its children at the end, if they still run."""
    pipes: dict[str, Any] = {"stdout": output, "stderr": subprocess.STDOUT, "start_new_session": True}
    with subprocess.Popen(command, cwd=folder, env=environment(folder), text=True, **pipes) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def commit(folder: Path) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "test")


def models_alone(*names: str) -> dict[str, Any]:
    """Return the changes of params.yaml that leave these models, their features, and label issues by their backbone."""
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    models = {name: params["models"][name] for name in names}
    used = {config["features"] for config in models.values()}
    backbones = {params["features"][name]["backbone"] for name in used & params["features"].keys()}
    used |= {name for name in params["label_issues"] if params["features"][name]["backbone"] in backbones}
    features, issues = (
        {name: of for name, of in params[key].items() if name in used} for key in ("features", "label_issues")
    )
    return {"models": models, "features": features, "label_issues": issues}


@cache
def sample_archive() -> bytes:
    with TemporaryDirectory() as temporary:
        path = Path(temporary, "sample.zip")
        write_archive(path, ["cats", "dogs"], train=12, validation=10, seed=0)
        return path.read_bytes()


def lay_out(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """Lay out the project as in a fresh clone, but with tiny parameters and photos."""
    listed = run(PROJECT, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        left_by_a_run = name == "dvc.lock" or (name.startswith("metrics/") and name != "metrics/README.md")
        if (PROJECT / name).is_file() and not left_by_a_run:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    edit_params(folder / "params.yaml", {**TINY, **(changes or {})})
    (folder / "data/sample.zip").write_bytes(sample_archive())
    run(folder, "git", "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def ran(output: str) -> list[str]:
    """Return the steps that a `dvc repro` ran, from its output."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def first_run(
    name: str, command: list[str], tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any] | None = None
) -> Path:
    """Run the whole pipeline in a new folder, and commit the result; processes of pytest-xdist share it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    project = folder / "project"
    with FileLock(f"{folder}.lock", timeout=600):
        if not folder.exists():
            lay_out(project, changes)
            (project / ".venv").mkdir()
            (project / ".venv/pipeline").touch()  # or make would install everything once more
            run(project, *command)
            commit(project)
    assert not run(project, "git", "status", "--short"), f"`{' '.join(command)}` did not come to its end"
    return project
