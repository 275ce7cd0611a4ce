"""The commands of the README, CONTRIBUTING and ``docs/``, run as they stand, and their output."""

import re
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest
import yaml

from commands import predict
from stages.common.cli import UserError
from stages.common.param_types import RENAMED
from stages.storage.files import write_json
from tests.conftest import PROJECT, packed_files, read_json, run_main, write_list
from tests.project import MODELS, commit, run

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
# A block by its first line: why it is not run here.
NOT_RUN_HERE = {
    "make install": "installs everything; CI runs `make lint test`",
    "make demo": "installs everything; CI runs it",
    "make install && source .venv/bin/activate": "installs everything; the fixture finished runs `dvc repro`",
    "dvc remote add --default shared s3://bucket/dvc": "needs a bucket; tests/commands/cluster runs the rest",
    "dvc exp run -S download.photos=cats_and_dogs_filtered.zip \\": "needs the real photos",
}


def blocks() -> dict[str, str]:
    """Return the documents' console blocks by their first lines, without comments."""
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    found = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    plain = [re.sub(r"  +#.*", "", block) for block in found]
    return {block.splitlines()[0].rstrip(): block for block in plain}


def block_with(command: str) -> str:
    [block] = [block for block in blocks().values() if command in block]
    return block


def sessions(block: str) -> list[tuple[str, list[str]]]:
    """Return each `$ command` of a block with the output that the document shows."""
    parts = [part.splitlines() for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, shown) for command, *shown in parts]


def run_line(command: str, project: Path) -> list[str]:
    output = run(project, "bash", "-c", f"{{ {command}; }} 2>&1; true")
    return [line.rstrip() for line in output.splitlines()]


def without_results(line: str) -> str:
    """Mask what a model decides: its name, the class, numbers and the columns' widths."""
    line = re.sub(rf"\b({'|'.join(MODELS)})\b", "MODEL", line)
    line = re.sub(r"\b(cats|dogs)\b", "CLASS", line)
    return re.sub(r" +", " ", re.sub(r"\d+(\.\d+)?(e-\d+)?", "NUMBER", line)).rstrip()


def test_every_block_is_run_by_a_test_or_says_why_not() -> None:
    tested = {"cd demo", "$ python -m commands.predict", "$ python -m commands.export"}
    for first in blocks():
        assert first in NOT_RUN_HERE or any(first.startswith(start) for start in tested), first
    assert set(blocks()) >= set(NOT_RUN_HERE)


def test_the_recipes_for_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo of two classes has no label, or two; lists give splits; folders in class folders are patients."""
    monkeypatch.chdir(tmp_path)
    Path("train.csv").write_text("image_id, healthy, rust\n01, 1, 0\n02, 0, 1\n03, 1, 1\n04, 0, 0\n")
    guide = (PROJECT / "docs/guide.md").read_text()
    recipe, of_lists, of_coco, of_folders = re.findall(r"  ```python\n(.*?)```", guide, re.DOTALL)
    Path("photos/sick/anna").mkdir(parents=True)
    Path("photos/sick/anna/1.jpg").touch()
    exec(dedent(of_folders), {})  # noqa: S102
    assert Path("labels.csv").read_text() == "path,label,patient\nsick/anna/1.jpg,sick,anna\n"
    paths = ["part_1/01.jpg", "part_1/02.jpg", "part_2/03.jpg", "part_2/04.jpg"]
    for path in paths:
        Path("photos", path).parent.mkdir(parents=True, exist_ok=True)
        Path("photos", path).touch()
    exec(dedent(recipe), {})  # noqa: S102
    lines = [f"{path},{label}" for path, label in zip(paths, ["healthy", "rust", "", ""], strict=True)]
    assert Path("labels.csv").read_text().splitlines() == ["path,label", *lines]
    Path("meta").mkdir()
    Path("meta/train.txt").write_text("cats/1\ncats/2\n")
    Path("meta/test.txt").write_text("dogs/3\n")
    exec(dedent(of_lists), {})  # noqa: S102
    lists = "path,label,split\ncats/1.jpg,cats,train\ncats/2.jpg,cats,train\ndogs/3.jpg,dogs,test\n"
    assert Path("labels.csv").read_text() == lists
    objects = [{"id": i, "image_id": 7, "category_id": category} for i, category in enumerate((2, 1, 2))]
    images, categories = (
        [{"id": 7, "file_name": "a.jpg", "name": "A"}],
        [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    )
    write_json({"images": images, "annotations": objects, "categories": categories}, Path("annotations.json"))
    exec(dedent(of_coco), {})  # noqa: S102
    assert Path("labels.csv").read_text() == "path,label\na.jpg,cat\na.jpg,dog\n"


def test_the_threshold_of_the_guide(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of five photos of defects none may be missed for a recall of 95 %."""
    [recipe] = re.findall(r"\n```python\n([^`]*threshold.*?)```", (PROJECT / "docs/guide.md").read_text(), re.DOTALL)
    probabilities, paths = [0.3, 0.9, 0.8, 0.7, 0.95, 0.1, 0.2, 0.3, 0.4], [f"{index}.jpg" for index in range(9)]
    predicted = pd.DataFrame({"path": ["of_training.jpg", *paths], "probability_defect": [0.0, *probabilities]})
    predicted.to_csv("predictions.csv", index=False)
    write_list("validation", path=paths, label=5 * ["defect"] + 4 * ["good"])
    exec(recipe, {})  # noqa: S102
    assert capsys.readouterr().out == "0.3 0.5\n"


def test_the_one_test_of_contributing_exists() -> None:
    [(file, name)] = re.findall(r"pytest (tests/\w+\.py)::(\w+)", block_with("pre-commit install"))
    assert f"def {name}(" in (PROJECT / file).read_text()


def test_the_changelog_lists_every_renamed_parameter() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    listed = {old.replace("MODEL", "*"): new for old, new in rows}
    assert listed.keys() == RENAMED.keys()
    for old, text in RENAMED.items():
        if new := re.search(r"(?<=renamed to )[\w.]*\w|(?:features\.NAME|train)\.\w+", text):  # not of a removed key
            assert f"`{new[0]}`" in listed[old], old


def test_behaviours_name_scripts_and_tests_that_exist() -> None:
    text = (PROJECT / "docs/behaviours.md").read_text()
    scripts = sorted(path.name for path in (PROJECT / "findings").glob("*.sh"))
    assert sorted(re.findall(r"`([\w-]+\.sh)`", text)) == scripts, "a row of each, as merges may double one"
    code = "\n".join(path.read_text() for path in (PROJECT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in code, name


def test_a_pointer_to_a_decision_leads_to_one() -> None:
    files = [PROJECT / "dvc.yaml", *(PROJECT / "stages").rglob("*.py")]
    named = {path for file in files for path in re.findall(r"docs/decisions/\w+\.md", file.read_text())}
    assert named
    for path in named:
        assert (PROJECT / path).exists(), path


@pytest.mark.slow
def test_the_tutorial_runs_to_its_end(small_project: Path) -> None:
    """In a project as `make demo` makes it, with an identity of its own for git."""
    run(small_project, "git", "config", "user.name", "demo")
    run(small_project, "git", "config", "user.email", "demo@localhost")
    tutorial = block_with("dvc exp run --name less-dropout")
    assert tutorial.startswith("cd demo\n")
    output = run(small_project, "bash", "-ec", tutorial.removeprefix("cd demo\n"))
    assert output.count("Running stage 'train@cnn'") == 3
    assert "Running stage 'train@transfer'" not in output
    assert "test.loss" in output  # which any change touches; accuracy on four photos it may not
    chosen = yaml.safe_load((small_project / "params.yaml").read_text())["models"]["cnn"]
    assert (chosen["dropout"], chosen["dense_units"]) == (0.3, 128), "the grid is undone, and the best applied"
    assert "keep-less-dropout" in run(small_project, "git", "branch")
    assert (small_project / "dvc_plots/index.html").exists()


@pytest.mark.slow
def test_predict_prints_what_the_readme_shows(small_project: Path) -> None:
    (small_project / "new").mkdir()
    photos = packed_files(small_project / "data/raw")
    for label, name in [("cats", "cat.80"), ("cats", "cat.81"), ("dogs", "dog.80")]:
        photo = [path for path in photos if f"validation/{label}/" in path][int(name[-1])]
        (small_project / f"new/{name}.jpg").write_bytes(photos[photo])
    (small_project / "new/cat.82.jpg").write_text("no photo")
    best = read_json(small_project / "metrics/best.json")["model"]
    [other] = {"cnn", "transfer"} - {best}
    write_json({"model": other}, small_project / "metrics/best.json")
    commit(small_project)  # so that the revision before has another best model
    (table, shown), (csv, _), (rev, _) = sessions(block_with("$ python -m commands.predict"))
    assert table == "python -m commands.predict new/"
    printed = run_line(table, small_project)
    assert sorted(map(without_results, printed)) == sorted(map(without_results, shown))
    assert printed[-1].endswith(f"; {other} classified the other 3")

    # The others in this process, to start TensorFlow once.
    for command, model in [(csv, other), (rev, best)]:
        program, *arguments = command.removeprefix("python -m ").split()
        assert program == "commands.predict"
        with pytest.raises(UserError, match=f"; {model} classified the other 3$"):
            run_main(predict, *arguments)
    assert "predictions.csv" in csv
    assert len((small_project / "predictions.csv").read_text().splitlines()) == 4
    assert "--rev HEAD~1" in rev


@pytest.mark.slow
def test_export_prints_what_the_guide_shows(small_project: Path) -> None:
    [(command, shown)] = sessions(block_with("$ python -m commands.export"))
    printed = run_line(command, small_project)
    assert printed[0] == shown[0] == "wrote exported/transfer.onnx"
    assert list(map(without_results, printed)) == list(map(without_results, shown))
    assert {path.name for path in (small_project / "exported").iterdir()} == {"transfer.onnx", "transfer.json"}
