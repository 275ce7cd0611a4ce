"""A copy of the project with few and small drawn photos, and commands run in it as a user would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stages.sample.archive import write_archive
from tests.conftest import PROJECT, edit_params

MODELS = ["cnn", "augmented", "preprocessed", "transfer", "fine_tuned"]
TINY = {
    "download.photos": "data/sample.zip",
    "download.backbone": "data/sample_backbone.weights.h5",
    "models.transfer.backbone_width": 0.35,
    "models.fine_tuned.backbone_width": 0.35,
    "train.image_size": [64, 64],
    "train.batch_size": 8,
    "train.epochs": 2,
    "train.precision": "float32",  # the same on any machine
}


def environment(folder: Path) -> dict[str, str]:
    """The environment of a user who has never set up git or DVC and has the project's Python on the path."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "DVC_"))}
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
