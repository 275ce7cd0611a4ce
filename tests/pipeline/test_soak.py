"""Kill the pipeline at random moments, which must not matter; `make soak KILLS=25` does it more often."""

import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from stages.common.paths import BACKUPS
from tests.project import commit, lay_out, models_alone, ran, run, started

pytestmark = pytest.mark.slow

TRAINED = ["cnn", "fine_tuned"]  # the other models do nothing that neither of these does
STEPS = ["train@fine_tuned", "evaluate", "download", "split", "label_stats", "train@cnn"]
REPRO = ["dvc", "repro", "--force", "--single-item", "--no-run-cache"]
LONGEST = 16  # seconds that a step on the tiny photos takes, of which half is start-up


def repro_until(seconds: float | None, folder: Path, step: str) -> bool:
    """Run a step anew and kill it, DVC and all, after so many seconds or at its first backup; return whether it ran."""
    end = time.monotonic() + (seconds or 0)
    with started(folder, *REPRO, step, output=subprocess.DEVNULL) as process:
        while process.poll() is None:
            is_time = time.monotonic() > end if seconds else (folder / BACKUPS / "fine_tuned.npz").exists()
            if is_time:
                return True
            time.sleep(0.01)
        return False


def test_a_killed_pipeline_ends_in_the_same_lock(finished: Path, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """With one kill, of the longest training run; with more, of runs of more epochs."""
    target = pytestconfig.getoption("kills")
    if target == 1:
        project = Path(shutil.copytree(finished, tmp_path / "project", symlinks=True))
    else:
        project = lay_out(tmp_path / "project", {**models_alone(*TRAINED), "train.epochs": 50})
        run(project, "dvc", "repro")
        commit(project)
    undisturbed = (project / "dvc.lock").read_bytes()

    rng = random.Random(0)
    kills, resumed, repaired = 0, 0, 0
    while kills < target:
        step = STEPS[kills % len(STEPS)]
        seconds = rng.uniform(0.5, LONGEST) if kills else None
        if not repro_until(seconds, project, step):
            assert seconds, "the training wrote no backup"
            continue  # it had finished before
        kills += 1
        if (project / "dvc.lock").read_bytes() != undisturbed:
            # DVC writes this file in place, and was killed at it; the README names this way on.
            run(project, "git", "checkout", "dvc.lock")
            repaired += 1
        # Without --force, DVC would bring the results back from its cache, where the first run left them.
        output = run(project, *REPRO, step)
        assert ran(output) == [step]
        run(project, "dvc", "repro")
        resumes = "resuming after epoch" in output
        assert resumes or seconds
        resumed += resumes
        moment = f"after {seconds:.2f} s" if seconds else "at its first backup"
        assert (project / "dvc.lock").read_bytes() == undisturbed, f"{step}, killed {moment}"
        assert run(project, "git", "status", "--short") == ""
        print(f"kill {kills}: {step} {moment}: the same dvc.lock", flush=True)  # noqa: T201
    print(f"{kills} kills, {resumed} resumed from a backup, {repaired} in DVC's own write; all equal")  # noqa: T201
