"""Kill the pipeline at random moments, which must not matter; `make soak KILLS=25` does it more often."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from stages.common.paths import BACKUPS
from tests.conftest import edit_params
from tests.project import commit, environment, lay_out, ran, run

pytestmark = pytest.mark.slow

TRAINED = ["cnn", "fine_tuned"]  # the other models do nothing that neither of these does; one kill is of cnn alone
STEPS = ["train@cnn", "evaluate", "download", "split", "label_stats", "train@fine_tuned"]
REPRO = ["dvc", "repro", "--force", "--single-item", "--no-run-cache"]
LONGEST = 16  # seconds that a step on the tiny photos takes, of which half is start-up


def repro_until(seconds: float | None, folder: Path, step: str) -> bool:
    """Run a step anew and kill it, DVC and all, after so many seconds or else at its first backup.

    Tell whether it was still running.
    """
    end = time.monotonic() + (seconds or 0)
    with subprocess.Popen(
        [*REPRO, step],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while process.poll() is None:
            is_time = time.monotonic() > end if seconds else (folder / BACKUPS / "cnn.npz").exists()
            if is_time:
                os.killpg(process.pid, signal.SIGKILL)
                return True
            time.sleep(0.01)
        return False


def test_a_killed_pipeline_ends_with_the_lock_file_of_an_undisturbed_one(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    kills_wanted = pytestconfig.getoption("kills")
    project = lay_out(tmp_path / "project")
    entries = yaml.safe_load((project / "params.yaml").read_text())["models"]
    models = {name: entries[name] for name in (TRAINED if kills_wanted > 1 else TRAINED[:1])}
    edit_params(project / "params.yaml", {"models": models, "train.epochs": 50})
    run(project, "dvc", "repro")
    commit(project)
    undisturbed = (project / "dvc.lock").read_bytes()

    rng = random.Random(pytestconfig.getoption("soak_seed"))
    kills, resumed, repaired = 0, 0, 0
    while kills < kills_wanted:
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
