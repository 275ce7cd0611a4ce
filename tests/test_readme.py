"""The README's commands, run as they stand, and what it says that they print."""

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.project import MODELS, commit, run

# A block by its first line: why it is not run here.
NOT_RUN_HERE = {
    "make demo": "installs everything; CI runs it",
    "make install && source .venv/bin/activate": "installs everything; test_own_photos.py runs the rest",
    "dvc remote add --default shared s3://bucket/dvc": "needs a bucket; test_cluster.py runs the rest on a cluster",
    "dvc exp run -S download.photos=cats_and_dogs_filtered.zip \\": "needs the real photos",
}


def blocks() -> dict[str, str]:
    """The README's console blocks by their first lines, comments left out."""
    found = re.findall(r"```console\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    plain = [re.sub(r"  +#.*", "", block) for block in found]
    return {block.splitlines()[0].rstrip(): block for block in plain}


def block_with(command: str) -> str:
    [block] = [block for block in blocks().values() if command in block]
    return block


def expected_and_printed(block: str, project: Path) -> list[tuple[str, list[str], list[str]]]:
    """Run each `$ command` of a block; return it, the lines that the README shows, and those that came."""
    sessions = [part.splitlines() for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, shown, run_line(command, project)) for command, *shown in sessions]


def run_line(command: str, project: Path) -> list[str]:
    output = run(project, "bash", "-c", f"{{ {command}; }} 2>&1; true")
    return [line.rstrip() for line in output.splitlines()]


def without_results(line: str) -> str:
    """Leave out what a model decides: its name, the class, numbers and the columns' widths."""
    line = re.sub(rf"\b({'|'.join(MODELS)})\b", "MODEL", line)
    line = re.sub(r"\b(cats|dogs)\b", "CLASS", line)
    return re.sub(r" +", " ", re.sub(r"\d+(\.\d+)?(e-\d+)?", "NUMBER", line)).rstrip()


def test_every_block_is_run_by_a_test_or_says_why_not() -> None:
    tested = {"git add .", "$ python -m stages.predict", "$ python -m stages.export"}
    for first in blocks():
        assert first in NOT_RUN_HERE or any(first.startswith(start) for start in tested), first
    assert set(blocks()) >= set(NOT_RUN_HERE)


@pytest.mark.slow
def test_the_tutorial_runs_to_its_end_and_compares(project: Path) -> None:
    (project / "notes.txt").write_text("something to commit\n")
    script = block_with("dvc exp run --name less-dropout")
    run(project, "git", "config", "user.name", "me")
    run(project, "git", "config", "user.email", "me@example.org")
    output = run(project, "bash", "-ec", script)
    assert output.count("Running stage 'train@cnn'") == 3
    assert "Running stage 'train@augmented'" not in output
    assert "test.loss" in output  # which any change touches; accuracy on four photos it may not
    assert "dropout: 0.3" in (project / "params.yaml").read_text()
    assert "keep-less-dropout" in run(project, "git", "branch")
    assert (project / "dvc_plots/index.html").exists()


@pytest.mark.slow
def test_predict_prints_what_the_readme_shows(project: Path) -> None:
    (project / "new").mkdir()
    for split, name in [("cats", "cat.80"), ("cats", "cat.81"), ("dogs", "dog.80")]:
        photo = sorted((project / "data/raw").rglob(f"validation/{split}/*.jpg"))[int(name[-1])]
        shutil.copy(photo, project / f"new/{name}.jpg")
    (project / "new/notes.txt").write_text("no photo")
    commit(project)  # so that the revision before has models too
    (table, shown, printed), (csv, *_), (rev, _, printed_of_before) = expected_and_printed(
        block_with("$ python -m stages.predict"), project
    )
    assert table == "python -m stages.predict new/"
    assert sorted(map(without_results, printed)) == sorted(map(without_results, shown))
    assert "named.csv" in csv
    assert len((project / "named.csv").read_text().splitlines()) == 4
    assert "--rev HEAD~1" in rev
    assert sorted(printed_of_before) == sorted(printed)


@pytest.mark.slow
def test_export_prints_what_the_readme_shows(project: Path) -> None:
    [(_, shown, printed)] = expected_and_printed(block_with("$ python -m stages.export"), project)
    assert [without_results(line) for line in printed] == [without_results(line) for line in shown]
    assert {path.name for path in (project / "exported").iterdir()} == {"transfer.onnx", "transfer.json"}
