"""Naming new photos: by a small untrained model, and in a project of the real git and dvc."""

import json
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import softmax

from stages.common.files import write_json
from stages.common.program import UserError
from stages.inference.model import load_model
from stages.models.build import build_model
from stages.models.recipe import Recipe
from stages.models.runtime import make_deterministic
from stages.models.saving import save_model
from stages.photos.decode import resized_pixels
from stages.predict.__main__ import predict
from tests.conftest import PROJECT, edit_params, write_photos
from tests.project import commit, lay_out, run

SIZE = (24, 32)
CLASSES = ["ants", "bees", "cows"]
Command = Callable[..., str]


def write_model(name: str, seed: int) -> None:
    recipe = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]["augmented"]
    make_deterministic(seed, threads=1)
    model = build_model(Recipe.model_validate({**recipe, "convolutions": [4], "units": 8}), SIZE, len(CLASSES))
    save_model(model, Path(f"data/models/{name}.keras"))
    write_json({"classes": CLASSES, "environment": []}, Path(f"data/models/{name}.json"))


@pytest.fixture
def trained(workspace: Path) -> Path:
    """A workspace with the models "good" and "other", of which "good" is the best, and five photos in ``new/``."""
    write_model("good", seed=1)
    write_model("other", seed=2)
    write_json({"model": "good"}, Path("metrics/best.json"))
    write_photos(Path("new"), 5)
    return workspace


@pytest.fixture
def named(trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in the workspace and return what it wrote to stdout."""

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["predict", *arguments])
        predict.main()
        return capsys.readouterr().out

    return call


def expected(name: str, paths: list[str]) -> Any:
    """The probabilities as Keras and SciPy give them, all photos at once."""
    pixels = np.stack([resized_pixels(path, SIZE) for path in paths])
    logits = load_model(Path(f"data/models/{name}.keras")).predict(pixels, verbose=0)
    return softmax(logits.astype(np.float64), axis=1)


@pytest.mark.parametrize(("arguments", "model"), [((), "good"), (("--model", "other"), "other")])
def test_the_best_or_the_model_asked_for_gives_its_probabilities(
    named: Command, arguments: tuple[str, ...], model: str
) -> None:
    rows = pd.DataFrame(json.loads(named("new", "--format", "json", *arguments)))
    assert list(rows["path"]) == [f"new/{number}.jpg" for number in range(5)]
    probabilities = expected(model, list(rows["path"]))
    np.testing.assert_allclose(rows[[f"probability_{name}" for name in CLASSES]], probabilities, atol=1e-6)
    np.testing.assert_allclose(rows["probability"], probabilities.max(axis=1), atol=1e-6)
    assert list(rows["class"]) == [CLASSES[number] for number in probabilities.argmax(axis=1)]


def test_csv_has_the_rows_of_json_and_the_suffix_chooses_it(named: Command) -> None:
    assert named("new", "-o", "out/a.csv") == ""
    assert pd.read_csv("out/a.csv").to_dict("records") == json.loads(named("new", "--format", "json"))
    assert [path.name for path in Path("out").iterdir()] == ["a.csv"]


def test_the_table_has_path_class_and_probability_in_columns(named: Command) -> None:
    head, *rows = named("new").splitlines()
    assert head.split() == ["path", "class", "probability"]
    assert [row.split()[:1] for row in rows] == [[f"new/{number}.jpg"] for number in range(5)]
    assert {len(row) for row in rows} == {len(head)}


def test_many_photos_are_named_in_order_chunk_by_chunk(named: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = named("new", "--format", "csv")
    monkeypatch.setattr(predict, "CHUNK", 2)
    assert named("new", "--format", "csv") == whole


def test_what_is_no_photo_is_told_and_counted_and_the_rest_named(
    named: Command, caplog: pytest.LogCaptureFixture
) -> None:
    Path("new/notes.txt").write_text("no photo")
    Path("new/1.jpg").write_bytes(Path("new/1.jpg").read_bytes()[:300])
    Path("new/.hidden").touch()
    Path("new/linked").symlink_to(Path("data").resolve())
    with caplog.at_level(logging.WARNING), pytest.raises(UserError, match=r"received 3 of 7 files .* the other 4$"):
        named("new", "-o", "rows.csv")
    bad = ["new/1.jpg", "new/linked", "new/notes.txt"]
    assert [message.split(": cannot be decoded: ")[0] for message in caplog.messages] == bad
    assert list(pd.read_csv("rows.csv")["path"]) == [f"new/{number}.jpg" for number in (0, 2, 3, 4)]


def test_without_a_single_photo_json_is_an_empty_list(named: Command) -> None:
    Path("notes.txt").write_text("no photo")
    with pytest.raises(UserError, match="1 of 1 files"):
        named("notes.txt", "-o", "rows.json")
    assert json.loads(Path("rows.json").read_text()) == []


def test_an_output_that_cannot_be_written_whole_is_left_as_it_was(
    named: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("rows.csv").write_text("before")
    monkeypatch.setattr(predict, "CHUNK", 2)
    chunks = iter([expected("good", ["new/0.jpg", "new/1.jpg"])])
    monkeypatch.setattr(predict, "predict_probabilities", lambda *_: next(chunks))
    with pytest.raises(RuntimeError):  # what StopIteration becomes in a generator
        named("new", "-o", "rows.csv")
    assert Path("rows.csv").read_text() == "before"
    assert not Path(".rows.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch.jpg"], r"received nonesuch.jpg: no such file$"),
        (["metrics/empty"], r"expected photos in the folder metrics/empty, found none"),
        (["new", "--model", "../best"], r"expected a trained model \(good, other\), received '../best'"),
        (["new", "--rev", "HEAD"], r"^--rev: expected a git revision of this project, received 'HEAD'"),
        (
            ["new", "-o", "named.xlsx"],
            r"^--output: expected a name in .csv, .json or .txt, or --format, received named",
        ),
        (["new", "-o", "metrics"], r"^expected to write metrics, received: .*: choose another --output$"),
    ],
)
def test_a_mistake_is_one_line(named: Command, arguments: list[str], message: str) -> None:
    Path("metrics/empty").mkdir()
    with pytest.raises(UserError, match=message):
        named(*arguments)


def test_before_the_first_training_it_says_so(named: Command) -> None:
    shutil.rmtree("data/models")
    with pytest.raises(UserError, match=r"expected trained models in data/models, found none: run `dvc repro`"):
        named("new")


@pytest.mark.slow
def test_a_model_of_an_older_revision_names_photos_as_it_did_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when only the remote has it, and nothing here changes for it."""
    project = lay_out(tmp_path / "project")
    entry = yaml.safe_load((project / "params.yaml").read_text())["models"]["cnn"]
    edit_params(project / "params.yaml", {"models": {"cnn": entry}, "train.epochs": 1})
    run(project, "dvc", "repro", "train@cnn")
    write_json({"model": "cnn"}, project / "metrics/best.json")
    run(project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "remote"))
    commit(project)
    run(project, "git", "tag", "before")
    run(project, "dvc", "push", "--quiet")

    def named(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["predict", "data/raw", "-o", str(tmp_path / "rows.csv"), *arguments])
        predict.main()
        return (tmp_path / "rows.csv").read_text()

    monkeypatch.chdir(project)
    before = named()
    edit_params(project / "params.yaml", {"models": {"later": entry}, "train.image_size": [48, 48]})
    run(project, "dvc", "repro", "train@later")
    write_json({"model": "later"}, project / "metrics/best.json")
    commit(project)
    assert named() != before
    shutil.rmtree(project / ".dvc/cache")
    Path("data/models/cnn.keras").unlink()
    assert named("--rev", "before") == before
    assert run(project, "git", "status", "--short") == ""
    assert not Path("data/models/cnn.keras").exists()
    with pytest.raises(UserError, match=r"^expected a trained model of revision before \(cnn\), received 'later'"):
        named("--rev", "before", "--model", "later")
    shutil.rmtree(tmp_path / "remote")
    with pytest.raises(UserError, match=r"^expected data/models/cnn.json of revision before, found none"):
        named("--rev", "before")
    with pytest.raises(UserError, match=r"^--rev: expected a git revision of this project, received 'nonesuch'"):
        named("--rev", "nonesuch")
