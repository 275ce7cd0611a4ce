"""Models as they are now, and as they were in a project of the real git and dvc."""

import re
import shutil
from pathlib import Path
from unittest import mock

import pygit2
import pytest
from dvc.repo import Repo
from dvc.scm import RevError

from stages.common.cli import UserError
from stages.common.params import ConfidenceSettings
from stages.inference.calibration import Calibration
from stages.inference.model_file import fetch_model_file, resolve_commit
from stages.storage.files import write_json
from tests.commands.small_model import SIZE, save_small_model
from tests.project import commit, run
from tests.storage.damage import DAMAGES, damaged

pytestmark = pytest.mark.usefixtures("models")
CLASSES = ["ants", "bees", "cows"]
PLAIN = ConfidenceSettings(temperature_scaling=False)


@pytest.fixture
def models(workspace: Path) -> Path:
    """A workspace with the models "good" and "other", of which "good" is the best."""
    save_small_model("good", CLASSES, seed=1)
    save_small_model("other", CLASSES, seed=2)
    write_json({"model": "good"}, Path("metrics/best.json"))
    return workspace


def test_a_mistake_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^expected a trained model \(good, other\), received '../best': choose with"):
        fetch_model_file("../best")
    Path("metrics/best.json").unlink()
    with pytest.raises(UserError, match=r"^expected metrics/best.json, found none \(.*\): choose a model with"):
        fetch_model_file(None)
    shutil.rmtree("data/models")
    with pytest.raises(UserError, match=r"^expected trained models in data/models, found none: run `dvc repro`"):
        fetch_model_file(None)


def test_a_project_may_lie_in_a_folder_with_brackets(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = models / "cats [2026]"
    shutil.copytree("data/models", project / "data/models")
    monkeypatch.chdir(project)
    assert fetch_model_file("other").name == "other"


CONFLICT = '<<<<<<< HEAD\n{"model": "good"}\n=======\n{"model": "other"}\n>>>>>>> branch\n'


@pytest.mark.parametrize(
    ("content", "telling"),
    [
        (CONFLICT, "received git's conflict markers: choose a model with --model"),
        ("", "received other content: choose a model with --model"),
        ("\xff", "received other content"),
        ("[" * 100_000, "received other content"),
        ("{}", 'expected JSON with "model"'),
        ('["model"]', 'expected JSON with "model"'),
        ('{"model": null}', 'expected JSON with "model"'),
        ('{"model": "../models/good"}', "received '../models/good': choose with --model"),
        ('{"model": "a\\nb"}', r"received 'a\nb': choose with --model"),
    ],
)
def test_a_damaged_best_json_is_one_line(content: str, telling: str) -> None:
    Path("metrics/best.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=re.escape(telling)) as raised:
        fetch_model_file(None)
    assert len(str(raised.value).splitlines()) == 1
    assert fetch_model_file("good").name == "good"


@pytest.mark.parametrize(
    ("content", "telling"),
    [
        *((text, 'JSON with "classes"') for text in ("", CONFLICT, "[]", '{"environment": []}', '{"classes": 3}')),
        *((f'{{"classes": [], "image_fit": {fit}}}', "image_fit") for fit in ('"letterbox"', "1", "null", "[]")),
    ],
)
def test_a_damaged_description_of_a_model_is_one_line(content: str, telling: str) -> None:
    Path("data/models/good.json").write_text(content)
    with pytest.raises(UserError, match=rf"{telling}.*: run `dvc repro`$") as raised:
        fetch_model_file("good")
    assert "data/models/good.json" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.fixture(params=["with DVC in the project", "with DVC at the root"])
def nested(request: pytest.FixtureRequest, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a sub-folder of its git repository, in whose last commit "other" is the best model."""
    project = models / "sub/project"
    project.mkdir(parents=True)
    for name in ("data", "metrics"):
        shutil.move(models / name, project / name)
    run(models, "git", "init", "--quiet", "--initial-branch=main")
    dvc_root = project if "project" in request.param else models
    run(dvc_root, "dvc", "init", "--quiet", *(["--subdir"] if dvc_root == project else []))
    run(dvc_root, "dvc", "remote", "add", "--default", "--local", "store", str(models.with_name("remote")))
    write_json({"classes": CLASSES, "image_fit": "crop"}, Path(project, "data/models/good.json"))
    run(project, "dvc", "add", "--quiet", "data/models")
    commit(models)
    run(models, "git", "tag", "before")
    run(project, "dvc", "push", "--quiet")
    monkeypatch.chdir(project)
    write_json({"model": "other"}, Path("metrics/best.json"))
    shutil.copy("data/models/good.keras", "data/models/later.keras")
    write_json({"classes": CLASSES, "image_fit": "pad"}, Path("data/models/good.json"))
    run(project, "dvc", "add", "--quiet", "data/models")
    commit(models)
    return dvc_root


@pytest.mark.slow
def test_a_project_in_a_sub_folder_has_its_revisions(nested: Path, tmp_path: Path) -> None:
    """Also from the remote that only this machine's configuration names; nothing here changes for them."""
    good = Path("data/models/good.keras").read_bytes()
    assert fetch_model_file(None, "HEAD").name == fetch_model_file(None).name == "other"
    before = fetch_model_file(None, "before")
    assert (before.name, before.content, before.class_names, before.image_fit) == ("good", good, CLASSES, "crop")
    assert (fetch_model_file("good").image_fit, fetch_model_file("other").image_fit) == ("pad", "stretch")
    shutil.rmtree(nested / ".dvc/cache")
    shutil.rmtree("data/models")
    assert fetch_model_file(None, "before") == before
    with pytest.raises(UserError, match=r"^expected .* model of revision before \(good, other\), received 'later'"):
        fetch_model_file("later", "before")
    assert before.load(PLAIN).image_size == SIZE
    assert run(nested, "git", "status", "--short") == ""
    assert not Path("data/models").exists()
    shutil.rmtree(tmp_path.with_name("remote"))
    with pytest.raises(UserError, match=r"^expected data/models/\S+ of revision before, found none"):
        fetch_model_file("good", "before")


def test_a_revision_that_is_no_commit_is_one_line(models: Path) -> None:
    run(models, "git", "init", "--quiet", "--initial-branch=main")
    run(models, "dvc", "init", "--quiet")
    Path("metrics/best.json").write_text(CONFLICT)
    run(models, "git", "add", "--force", "data/models")
    commit(models)
    objects = ["HEAD:metrics/best.json", "HEAD:metrics", "HEAD^{tree}"]
    for revision in ("", *objects, "nonsense", "HEAD~1", "a\nb", "\udcff"):
        with pytest.raises(UserError, match=r"^--rev: expected a commit, branch, tag or experiment[^\n]*$") as raised:
            fetch_model_file(None, revision)
        assert repr(revision) in str(raised.value)
    with pytest.raises(UserError, match=r"of revision main, received git's conflict markers: choose another --rev"):
        fetch_model_file(None, "main")
    assert fetch_model_file("good", "main").class_names == CLASSES


@pytest.mark.parametrize(
    ("option", "advice"),
    [("--depth=1", "git fetch --unshallow"), ("--filter=blob:none", "git fetch --refetch --no-filter")],
)
def test_a_revision_that_a_clone_lacks_is_one_line(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, advice: str
) -> None:
    run(models, "git", "init", "--quiet", "--initial-branch=main")
    run(models, "git", "config", "uploadpack.allowFilter", "true")
    run(models, "dvc", "init", "--quiet")
    run(models, "git", "add", "--force", "data/models", "metrics")
    commit(models)
    write_json({"model": "other"}, Path("metrics/best.json"))
    commit(models)
    clone = tmp_path / "clone"
    run(models, "git", "clone", "--quiet", option, models.as_uri(), str(clone))
    monkeypatch.chdir(clone)
    with Repo() as repo:
        resolve_commit(repo, "HEAD")
        with pytest.raises(RevError, match=f" clone.*: run `{advice}`$"):
            resolve_commit(repo, "HEAD~1")
    run(clone, *advice.split())
    assert fetch_model_file("good", "HEAD~1").class_names == CLASSES


def test_a_repository_of_another_user_is_one_line(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a folder that is mounted into a container; git refuses it, too."""
    run(models, "git", "init", "--quiet", "--initial-branch=main")
    run(models, "dvc", "init", "--quiet")
    monkeypatch.setattr(pygit2, "Repository", mock.Mock(side_effect=pygit2.GitError("not owned by current user")))
    with pytest.raises(UserError, match=r"^--rev: expected a commit, .*, received 'main': not owned by current user$"):
        fetch_model_file(None, "main")


def test_a_model_with_a_changed_bit_is_one_line() -> None:
    file = fetch_model_file("good")
    with pytest.raises(UserError, match=r"^data/models/good.keras: expected a model that Keras .* can load: .*CRC"):
        file._replace(content=damaged(file.content, "a bit")).load(PLAIN)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_npz_is_one_line_where_it_is_asked_for(damage: str) -> None:
    file = fetch_model_file("good")
    damaged_file = file._replace(validation=damaged(file.validation or b"", damage))
    with pytest.raises(UserError, match=r"^expected the \.npz beside data/models/good\.keras as .* damaged"):
        damaged_file.load(ConfidenceSettings(temperature_scaling=True))
    assert damaged_file.load(PLAIN).class_names == CLASSES


def test_a_setting_without_effect_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    file = fetch_model_file("good")
    for settings in (PLAIN, ConfidenceSettings(temperature_scaling=True)):  # the first needs no .npz
        assert file._replace(validation=None).calibrate(settings) == Calibration()
    assert not file.calibrate(ConfidenceSettings(out_of_distribution_fraction=0.05)).gives_notes
    assert file.calibrate(ConfidenceSettings(temperature_scaling=True)).temperature
    told = [message.partition(",")[0].partition(":")[0] for message in caplog.messages]
    assert told == [f"data/models/good.keras has no {part}" for part in (".npz beside it", "backbone")]
