"""Run the pipeline on synthetic images in ``demo/``, a copy of the project that is a git repository of its own.

The copy has the code as it is here, ``params.yaml`` as last committed with the values of ``params.demo.yaml``, and no
corrections. It is brought up to date when one of these has changed; what was in it stays in its git history.
Otherwise it is left as it is, with your changes and experiments.

    python -m commands.demo
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.utils.collections import merge_dicts
from dvc.utils.serialize import load_yaml, modify_yaml

from commands.sample.photo_archive import write_archive
from stages.common.cli import UserError, run
from stages.common.params import PARAMS
from stages.common.paths import CORRECTIONS, HISTORY, LABEL_ISSUES, MODELS, REPEATS, REPORT
from stages.storage.files import content_hash, sha256_of

DEMO = Path("demo")
OVERRIDES = Path("params.demo.yaml")
COPIED = (
    *(".dvc/.gitignore", ".dvc/config", ".dvc/plots", ".dvcignore", ".gitignore"),
    *("Makefile", "constraints.txt", "pyproject.toml"),
    *("data/sample_backbone.weights.h5", "metrics/README.md", "plots/README.md", "plots/label_issues/.gitkeep"),
    *("commands", "dvc.yaml", "stages"),
)
SOURCE = "demo.source"  # in the repository's configuration: a hash of what the finished demo was made from
# A git hook or a calling make sets these, to the project's own repository and jobs.
FOREIGN = {"GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in FOREIGN}


def main() -> None:
    params, files = committed_params(), list(project_files())
    source = content_hash([str(params), *map(str, files), *map(sha256_of, [*files, OVERRIDES])])
    if not DEMO.exists() or not any(DEMO.iterdir()):
        init_repository()
    made_from = git("config", f"--file={DEMO}/.git/config", "--default=", "--get", SOURCE)
    if not made_from:
        raise UserError(f"expected {DEMO}/ to be from `make demo`, found another folder: rename it")
    changed = made_from != source
    if changed:
        commit("What was here before `make demo`")
        copy_project(params, files)
    make("repro", "dvc_plots/vega.js")
    make("plots")
    if changed:
        configure_dvc(autostage=False)
        commit("The results of `make demo`")
        git("config", SOURCE, source)
    print(summary())  # noqa: T201


def project_files() -> Iterator[Path]:
    for path in map(Path, COPIED):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in files if file.is_file() and "__pycache__" not in file.parts)


def committed_params() -> bytes:
    """Read ``params.yaml`` as last committed or, where git has none (as in a zip of the project), as it is."""
    command = ["git", "show", f"HEAD:./{PARAMS}"]
    shown = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    return PARAMS.read_bytes() if shown.returncode else shown.stdout


def copy_project(params: bytes, files: Iterable[Path]) -> None:
    """Write the project's files, the synthetic images and the parameters into the demo."""
    # Modules and models that are gone must not stay; DVC's cache has the other models.
    for folder in ("commands", "stages", MODELS, REPEATS, HISTORY, LABEL_ISSUES):
        shutil.rmtree(DEMO / folder, ignore_errors=True)
    for file in files:
        (DEMO / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, DEMO / file)  # with its time, by which make sees that .venv is up to date
    if not (DEMO / ".venv").is_symlink():  # .gitignore has it
        (DEMO / ".venv").symlink_to("../.venv")
    configure_dvc(autostage=True)  # or DVC says after each step what to `git add`
    (DEMO / CORRECTIONS).write_text("path,label\n")
    (DEMO / PARAMS).write_bytes(params)
    try:
        with modify_yaml(DEMO / PARAMS) as values:
            merge_dicts(values, load_yaml(OVERRIDES))
            archive = DEMO / values["download"]["photos"]
            archive.unlink(missing_ok=True)
            write_archive(archive, ["cats", "dogs"], train=80, validation=150)
            values["download"]["photos_sha256"] = sha256_of(archive)
    except DvcException as error:
        raise UserError(f"{PARAMS} as committed, or {OVERRIDES}: {error}") from error


def configure_dvc(*, autostage: bool) -> None:
    """Configure DVC in the demo, with a cache of its own whatever the user's configuration says."""
    settings = f"[cache]\n    dir = cache\n[core]\n    autostage = {str(autostage).lower()}\n"
    (DEMO / ".dvc/config.local").write_text(settings)


def init_repository() -> None:
    """Make the demo a git repository that can commit without the user's configuration."""
    DEMO.mkdir(exist_ok=True)
    git("init", "--quiet", "--initial-branch=main")
    identity = {"user.name": "demo", "user.email": "demo@localhost", "commit.gpgsign": "false"}
    for key, value in {**identity, SOURCE: "unfinished"}.items():
        git("config", key, value)


def commit(message: str) -> None:
    git("add", "--all")
    if git("status", "--porcelain"):
        git("commit", "--quiet", "--no-verify", "--message", message)


def git(*arguments: str) -> str:
    """Run git in the demo's repository, and never in one around it."""
    command = ["git", f"--git-dir={DEMO}/.git", f"--work-tree={DEMO}", *arguments]
    finished = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)  # noqa: S603
    if finished.returncode:
        raise UserError(f"{DEMO}/: git {arguments[0]}: {finished.stderr.strip()}")
    return finished.stdout.strip()


def make(*targets: str) -> None:
    """Make targets in the demo, two steps at a time."""
    command = ["make", "--no-print-directory", f"--directory={DEMO}", "--jobs=2", *targets]
    if subprocess.run(command, env=ENVIRONMENT, check=False).returncode:  # noqa: S603
        raise UserError(f"`make {targets[0]}` failed in {DEMO}/ (see above): run `make demo` again to go on from there")


def summary() -> str:
    """Return the models' scores, where the report is, and what to do next."""
    section = (DEMO / REPORT).read_text(encoding="utf-8").partition("\n## Models\n")[2].partition("\n## ")[0]
    scores = [line for line in section.splitlines() if line.startswith("|")]
    report = (DEMO / "metrics/report.html").resolve().as_uri()
    next_step = 'Next: cd demo, and the README\'s "Change a parameter and compare".'
    return "\n".join(["", *scores, "", f"The report: {report}", next_step])


if __name__ == "__main__":
    run(main, __doc__)
