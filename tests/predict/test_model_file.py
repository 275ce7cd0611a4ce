"""Models as they are now, and as they were in a project of the real git and dvc."""

import shutil
from pathlib import Path

import pytest

from stages.common.files import write_json
from stages.common.program import UserError
from stages.inference.settings import ConfidenceSettings
from stages.predict.model_file import ModelFile, fetch_model_file
from tests.conftest import edit_params
from tests.predict.small_model import SIZE, save_small_model
from tests.project import commit, models_alone, run

CLASSES = ["ants", "bees", "cows"]
PLAIN = ConfidenceSettings(temperature_scaling=False)


@pytest.fixture
def models(workspace: Path) -> Path:
    """A workspace with the models "good" and "other", of which "good" is the best."""
    save_small_model("good", CLASSES, seed=1)
    save_small_model("other", CLASSES, seed=2)
    write_json({"model": "good"}, Path("metrics/best.json"))
    return workspace


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(("wanted", "name"), [(None, "good"), ("other", "other")])
def test_it_is_the_best_model_or_the_one_asked_for(wanted: str | None, name: str) -> None:
    file = fetch_model_file(wanted)
    assert (file.name, file.content) == (name, Path(f"data/models/{name}.keras").read_bytes())
    trained = file.load(PLAIN)
    assert (trained.name, trained.class_names, trained.image_size) == (name, CLASSES, SIZE)


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("../best", None, r"^expected a trained model \(good, other\), received '../best': choose with --model$"),
        (None, "HEAD", r"^--rev: expected a git revision of this project, received 'HEAD'"),
    ],
)
def test_a_mistake_is_one_line(name: str | None, revision: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fetch_model_file(name, revision)


@pytest.mark.usefixtures("models")
def test_before_the_first_evaluation_a_model_is_to_be_chosen() -> None:
    Path("metrics/best.json").unlink()
    with pytest.raises(
        UserError, match=r"^expected metrics/best.json, found none \(.*\): choose a model with --model$"
    ):
        fetch_model_file(None)


@pytest.mark.usefixtures("workspace")
def test_before_the_first_training_it_says_what_to_run() -> None:
    with pytest.raises(UserError, match=r"^expected trained models in data/models, found none: run `dvc repro`"):
        fetch_model_file(None)


def test_a_file_that_keras_cannot_load_is_one_line() -> None:
    file = ModelFile("good", b"not a model", CLASSES, "data/models/good.keras of revision HEAD~1")
    with pytest.raises(UserError, match=r"^data/models/good.keras of revision HEAD~1: expected a model that Keras .*$"):
        file.load(PLAIN)


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("damage", ["empty", "cut short", "a changed bit", "of another program"])
def test_damaged_predictions_on_the_validation_photos_are_one_line_where_they_are_asked_for(damage: str) -> None:
    file = fetch_model_file("good")
    assert file.validation
    middle = len(file.validation) // 2
    broken = {
        "empty": b"",
        "cut short": file.validation[:-100],
        "a changed bit": file.validation[:middle]
        + bytes([file.validation[middle] ^ 1])
        + file.validation[middle + 1 :],
        "of another program": b"PK\x05\x06" + bytes(18),  # a zip file of nothing
    }
    damaged = file._replace(validation=broken[damage])
    with pytest.raises(
        UserError, match=r"^the \.npz beside data/models/good.keras: expected predictions .* damaged .*"
    ):
        damaged.load(ConfidenceSettings(temperature_scaling=True))
    assert damaged.load(PLAIN).class_names == CLASSES


@pytest.mark.slow
def test_a_model_of_an_older_revision_is_what_it_was_then(
    small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when only the remote has it, and nothing here changes for it."""
    run(small_project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "remote"))
    commit(small_project)
    run(small_project, "git", "tag", "before")
    run(small_project, "dvc", "push", "--quiet")
    monkeypatch.chdir(small_project)
    before, best = fetch_model_file("cnn"), fetch_model_file(None).name

    changes = models_alone("cnn")
    changes["models"]["later"] = changes["models"].pop("cnn")
    edit_params(small_project / "params.yaml", changes)
    save_small_model("later", CLASSES)
    write_json([], Path("plots/history/later.json"))
    write_json([], Path("data/repeats/later/seeds.json"))
    run(small_project, "dvc", "commit", "--force", "train@later")  # as if it had trained
    write_json({"model": "later"}, Path("metrics/best.json"))
    commit(small_project)
    assert fetch_model_file(None).load(PLAIN).image_size == SIZE
    shutil.rmtree(".dvc/cache")
    Path("data/models/cnn.keras").unlink()
    assert fetch_model_file("cnn", "before")[:3] == before[:3]
    assert fetch_model_file(None, "before").name == best
    assert fetch_model_file("cnn", "before").load(PLAIN).image_size == (64, 64)
    assert run(small_project, "git", "status", "--short") == ""
    assert not Path("data/models/cnn.keras").exists()

    with pytest.raises(
        UserError, match=r"^expected a trained model of revision before \(cnn, transfer\), received 'later'"
    ):
        fetch_model_file("later", "before")
    shutil.rmtree(tmp_path / "remote")
    with pytest.raises(UserError, match=r"^expected data/models/cnn.json of revision before, found none"):
        fetch_model_file("cnn", "before")
    with pytest.raises(UserError, match=r"^--rev: expected a git revision of this project, received 'nonesuch'"):
        fetch_model_file(None, "nonesuch")
