"""The step that fetches a backbone's weights."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from stages import backbone
from stages.common.cli import UserError
from stages.common.paths import BACKBONE
from stages.data.fetch import Source
from tests.conftest import SetParams, read_json

FOLDER = BACKBONE / "mobilenet_v2"


@pytest.fixture
def fetch(workspace: Path, set_params: SetParams, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Fetch weights as DVC would for the stage backbone@mobilenet_v2."""
    monkeypatch.setattr(sys, "argv", ["backbone"])
    monkeypatch.setenv("DVC_STAGE", "backbone@mobilenet_v2")
    Path("w.weights.h5").write_bytes(b"weights")

    def run(weights: Any) -> None:
        set_params({"backbones.mobilenet_v2.weights": weights})
        backbone.main()

    return run


def test_weights_keep_their_name_beside_the_architecture(fetch: Callable[[Any], None]) -> None:
    fetch("w.weights.h5")
    assert (FOLDER / "w.weights.h5").read_bytes() == b"weights"
    about = read_json(FOLDER / "architecture.json")
    assert about == {"architecture": "MobileNetV2", "options": {"alpha": 1.0}}


@pytest.mark.parametrize("path", ["net#2/w.h5", "w?.h5", "net::2/w%20.h5", "zip://w.h5::w.zip"])
def test_weights_may_have_any_path(fetch: Callable[[Any], None], path: str) -> None:
    with ZipFile("w.zip", "w") as archive:
        archive.writestr("w.h5", b"weights")
    if "zip" not in path:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_bytes(b"weights")
    fetch(path)
    assert (FOLDER / Path(path.removesuffix("::w.zip")).name).read_bytes() == b"weights"


def test_a_second_run_replaces_the_first(fetch: Callable[[Any], None]) -> None:
    fetch("w.weights.h5")
    Path("w.weights.h5").rename("other.weights.h5")
    fetch("other.weights.h5")
    assert sorted(path.name for path in FOLDER.iterdir()) == ["architecture.json", "other.weights.h5"]


def test_an_entry_that_no_model_needs_may_have_no_weights(fetch: Callable[[Any], None], set_params: SetParams) -> None:
    config = {"features": "pixels", "dropout": 0.5, "dense_units": 8}
    set_params({"models": {"cnn": config}, "features": {}, "label_issues": {}})
    fetch(None)
    assert [path.name for path in FOLDER.iterdir()] == ["architecture.json"]


@pytest.mark.parametrize("has_run", [False, True])
def test_weights_of_the_user_in_its_folder_stop_the_step(fetch: Callable[[Any], None], has_run: bool) -> None:
    if has_run:
        fetch("w.weights.h5")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "mine.h5").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"^expected in data/backbone/mobilenet_v2 only .*mine.h5.*: move"):
        fetch("w.weights.h5")
    assert (FOLDER / "mine.h5").read_bytes() == b"mine"


def test_weights_put_there_while_it_fetches_stay(fetch: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fetch("w.weights.h5")
    monkeypatch.setattr(Source, "copy_file", lambda *_: (FOLDER / "mine.h5").touch())
    with pytest.raises(UserError, match=r"^expected in data/backbone/mobilenet_v2 only .*mine.h5.*: move"):
        fetch("w.weights.h5")
    assert (FOLDER / "mine.h5").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "params.yaml"}, r"weights: expected a Keras weights file \(.h5\), received 'params.yaml'$"),
        ({"weights": "folder.h5"}, r"weights: expected a Keras weights file \(.h5\), received 'folder.h5'$"),
        ({"weights": "data/models/w.h5"}, "weights: expected a path neither inside nor around data/models, "),
        ({"weights": "nowhere.h5"}, "weights: .*'nowhere.h5' .*, found none"),
        ({"weights": "w.weights.h5", "sha256": "0" * 64}, "weights: expected the SHA-256 0{64}, received [0-9a-f]{64}"),
    ],
)
def test_a_failure_is_one_line_and_leaves_nothing(
    fetch: Callable[[Any], None], set_params: SetParams, changes: dict[str, str], message: str
) -> None:
    Path("folder.h5").mkdir()
    set_params({f"backbones.mobilenet_v2.{key}": value for key, value in changes.items()})
    with pytest.raises(UserError, match=f"^backbones.mobilenet_v2.{message}"):
        fetch(changes["weights"])
    assert not list(BACKBONE.iterdir())
