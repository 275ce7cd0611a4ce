"""The real steps, run by the real git and dvc, on a few small synthetic images."""

import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dvc.repo import Repo

from commands.review.queues import current_photos, select
from stages import train
from stages.common.cli import UserError
from tests.conftest import CNN_ALONE, PROJECT, edit_params, run_main, write_photos
from tests.project import MODELS, lay_out, ran, run

pytestmark = pytest.mark.slow


def test_a_second_run_does_nothing(finished: Path) -> None:
    assert run(finished, "dvc", "repro").rstrip().endswith("Data and pipelines are up to date.")
    assert run(finished, "git", "status", "--short") == ""
    assert run(finished, "git", "ls-files", "metrics/report.md") == "metrics/report.md\n"


def steps_in(lock: Path) -> dict[str, str]:
    """Return the lines of each step in a ``dvc.lock``, in the file's order."""
    _, *parts = re.split(r"^  (?=\S)", lock.read_text(), flags=re.MULTILINE)
    return {part.split(":")[0]: part for part in parts}


def test_a_parallel_run_on_one_core_gives_the_same_bytes(finished: Path, two_models: Path) -> None:
    """In another folder, with two of the six models: only `evaluate` and its page see the others."""
    steps, others = steps_in(finished / "dvc.lock"), steps_in(two_models / "dvc.lock")
    assert {"train@cnn", "train@transfer"} < set(others)
    assert list(others) == [name for name in steps if name in others], "not in the order of a serial run"
    assert {name for name in others if others[name] != steps[name]} == {"evaluate", "page"}
    of_a_model = [path for path in (two_models / "plots").rglob("[!.]*.*") if path.parent.name != "plots"]
    compared = [*of_a_model, *(two_models / "metrics/models").iterdir()]
    of_each = ["accuracy", "confusion", "history", "mistakes", "scores"]
    assert len(compared) == 2 * len(of_each)
    for path in compared:
        assert path.read_bytes() == (finished / path.relative_to(two_models)).read_bytes(), path


ALL_FEATURES = ["features@mobilenet_v2", "features@mobilenet_v2_blocks", "features@mobilenet_v2_pooled"]
LABEL_ISSUES = "label_issues@mobilenet_v2_pooled"
ALL_TRAININGS = [f"train@{name}" for name in sorted(MODELS)]
STEPS_ON_STORAGE = [LABEL_ISSUES, "label_stats", "pixels", "split", "thumbnails", *ALL_FEATURES, *ALL_TRAININGS]
FETCHING = ["backbone@mobilenet_v2", "download"]
# Steps that `dvc status` lists after an edit of a file, as CONTRIBUTING.md says; `evaluate` for any in stages/.
# test_contracts.py has all files that a step depends on; these are of the rows of the table there.
RUN_AGAIN: dict[str, list[str]] = {
    "corrections.csv": ["split"],
    "stages/page.html": ["page"],
    "stages/train.py": ALL_TRAININGS,
    "stages/common/cli.py": [],  # how an error is worded and a program ends
    "stages/data/archive.py": [*FETCHING, "split"],
    "stages/data/layout.py": ["split"],
    "stages/datasets/augmentation.py": [*ALL_FEATURES, *ALL_TRAININGS],
    "stages/evaluation/figures.py": [LABEL_ISSUES, "label_stats"],
    "stages/evaluation/report.py": [],
    "stages/inference/prediction.py": [],
    "stages/models/build.py": ALL_TRAININGS,
    "stages/models/logistic_regression.py": [LABEL_ISSUES, *ALL_TRAININGS],
    "stages/models/pretrained.py": [*ALL_FEATURES, *ALL_TRAININGS],
    "stages/photos/decode.py": [LABEL_ISSUES, "label_stats", "pixels", "thumbnails"],
    "stages/photos/formats.py": [LABEL_ISSUES, "label_stats", "pixels", "split", "thumbnails"],
    "stages/storage/arrays.py": STEPS_ON_STORAGE,
    "stages/storage/files.py": [*FETCHING, "page", *STEPS_ON_STORAGE],
    "stages/training/training_run.py": ALL_TRAININGS,
    "commands/predict.py": [],
}
PARAMETERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"models.cnn.dropout": 0.3}, ["evaluate", "train@cnn"]),
    ({"models.linear.inverse_regularization": 0.1}, ["evaluate", "train@linear"]),
    ({"backbones.mobilenet_v2.sha256": "0" * 64}, ["backbone@mobilenet_v2"]),
    ({"split.seed": 1}, ["split"]),
    ({"split.max_megapixels": 1}, ["split", "thumbnails"]),
    ({"label_issues.mobilenet_v2_pooled.folds": 3}, ["evaluate", LABEL_ISSUES, "page"]),
    ({"label_stats.photos_per_class": 2}, ["label_stats"]),
    ({"label_stats.a_new_parameter": 1}, ["label_stats"]),
    ({"train.epochs": 3}, ALL_TRAININGS),
    ({"features.mobilenet_v2.views": 2}, ["evaluate", "features@mobilenet_v2"]),
    ({"image_size": 32}, ["evaluate", "label_stats", "pixels", *ALL_TRAININGS]),
    ({"image_fit": "pad"}, ["evaluate", "label_stats", "pixels", *ALL_TRAININGS]),
    ({"cluster.retries": 1, "unrelated": 1}, []),
]


def status() -> dict[str, Any]:
    with Repo() as repo:
        return dict(repo.status())


def test_an_edited_file_re_runs_the_steps_that_it_shapes(project: Path) -> None:
    for name, steps in RUN_AGAIN.items():
        content = Path(name).read_bytes()
        Path(name).write_bytes(content + b"# edited\n")
        assert set(status()) == {*steps, *(["evaluate"] if name.startswith("stages/") else [])}, name
        Path(name).write_bytes(content)


def test_a_parameter_re_runs_the_steps_that_read_it(project: Path) -> None:
    content = Path("params.yaml").read_text()
    for changes, steps in PARAMETERS:
        edit_params(Path("params.yaml"), changes)
        assert sorted(status()) == steps, changes
        Path("params.yaml").write_text(content)
    Path("params.yaml").write_text(f"{content}# a comment\n")
    assert not status()


def contents(project: Path, *folders: str) -> dict[str, bytes]:
    files = [path for folder in folders for path in (project / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(project)): path.read_bytes() for path in files if path.name != ".gitignore"}


def test_photos_changed_in_place_are_read_by_force(project: Path, tmp_path: Path) -> None:
    write_photos(tmp_path, 1)
    with zipfile.ZipFile(project / "data/sample.zip", "a") as archive:
        archive.write(tmp_path / "0.jpg", "sample/train/cats/new.jpg")
    assert ran(run(project, "dvc", "repro", "split")) == []
    assert ran(run(project, "dvc", "repro", "--force", "download")) == ["download"]
    assert ran(run(project, "dvc", "repro", "split")) == ["thumbnails", "split"]
    assert "data/raw/sample/train/cats/new.jpg,cats" in (project / "data/splits/train.csv").read_text()


def test_a_correction_re_runs_what_depends_on_labels(project: Path) -> None:
    """A corrected label extracts no features again, a removed photo does; the first to review are those of the list."""
    suspects = pd.read_csv("plots/label_issues/mobilenet_v2_pooled.csv")["path"].tolist()
    assert select(current_photos(), {}, {"queue": "suspects"}).index.tolist() == suspects
    path = pd.read_csv(project / "data/splits/train.csv").query("label == 'cats'")["path"].iloc[0]
    for label, extracted in (("dogs", []), ("remove", ["pixels"])):
        (project / "corrections.csv").write_text(f"path,label\n{path},{label}\n")
        assert ran(run(project, "dvc", "repro", "split")) == ["split"]
        assert set(status()) == {"evaluate", LABEL_ISSUES, "label_stats", *extracted, *ALL_TRAININGS}


def test_a_deleted_lock_file_comes_back_without_training(project: Path) -> None:
    """As one that DVC was killed in the middle of writing, which it refuses to read."""
    lock = project / "dvc.lock"
    steps = steps_in(lock)
    lock.unlink()
    # DVC's run cache holds all but what is fetched, and evaluate, whose report git keeps; the page comes after it.
    del steps["evaluate"], steps["page"]
    assert set(ran(run(project, "dvc", "repro", *steps))) == {"backbone@mobilenet_v2", "download"}
    assert steps_in(lock) == steps


def test_a_bad_parameter_stops_the_first_step(project: Path, finished: Path) -> None:
    edit_params(project / "params.yaml", {"models.cnn.dropout": 2, "label_stats.seed": 1})
    output = run(project, "dvc", "repro", check=False)
    assert ran(output) == ["label_stats"]
    [line] = [line for line in output.splitlines() if line.startswith("error:")]
    assert line == "error: params.yaml: models.cnn.dropout: expected less than 1, received 2"
    assert "Traceback" not in output
    with pytest.raises(UserError, match=r"^params.yaml: models.cnn.dropout"):
        run_main(train, "nonesuch")
    assert not (project / "plots/samples.png").exists(), "DVC removes what a step writes before it runs"
    [go_back] = re.findall(r"`(git checkout .*? dvc checkout)`", (PROJECT / "README.md").read_text())
    run(project, "bash", "-c", go_back)
    results = ("data/models", "metrics", "plots")
    assert contents(project, *results) == contents(finished, *results)


def check_is_refused(project: Path) -> None:
    before = contents(project, "data")
    output = run(project, "dvc", "repro", "--force", "download", check=False)
    assert [line for line in output.splitlines() if line.startswith("error: expected in data/raw only")], output
    assert "Traceback" not in output
    assert contents(project, "data") == before


def test_only_photos_of_a_previous_run_are_replaced(tmp_path: Path) -> None:
    """By a real `dvc repro`, which by default deletes outputs first."""
    project = lay_out(tmp_path / "project", CNN_ALONE)
    mine = project / "data/raw/cats/mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    check_is_refused(project)

    shutil.rmtree(project / "data/raw")
    assert ran(run(project, "dvc", "repro", "download")) == ["download"]
    drawn = contents(project, "data")
    shutil.rmtree(project / "data/labels")
    shutil.rmtree(project / "data/raw")
    (project / "data/fetched.json").unlink()
    run(project, "dvc", "checkout", "data/raw", "data/labels", "data/fetched.json")  # as `dvc pull` does
    assert ran(run(project, "dvc", "repro", "--force", "download")) == ["download"]
    assert contents(project, "data") == drawn

    (project / "data/raw/mine.jpg").write_bytes(b"mine")
    check_is_refused(project)
