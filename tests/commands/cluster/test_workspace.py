"""A failed DVC command on a node: the user's mistake or the node's failure."""

import json
from pathlib import Path

import pytest

from commands.cluster.workspace import NodeError, dvc
from stages.common.cli import MACHINE_FAILURE, UserError
from tests.project import run

REASON = "echo 'error: expected this, received that'; "


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    run(folder, "dvc", "init", "--no-scm")
    return folder


@pytest.mark.parametrize(
    ("command", "kind", "reason"),
    [
        (f"{REASON}exit 1", UserError, "expected this, received that$"),
        (f"{REASON}exit {MACHINE_FAILURE}", NodeError, "expected this, received that$"),
        (f"{REASON}kill -9 $$", NodeError, "expected this, received that$"),
        ("kill -9 $$", NodeError, "failed to reproduce 'step': failed to run: kill -9"),
        ("echo 'ran into a step that exited with 1'; exit 2", NodeError, "failed to reproduce 'step'"),
    ],
)
def test_exit_codes_say_whose_fault_it_was(repository: Path, command: str, kind: type[UserError], reason: str) -> None:
    (repository / "dvc.yaml").write_text(json.dumps({"stages": {"step": {"cmd": command}}}))
    with pytest.raises(UserError, match=f"^`dvc repro step` on [^:]+: {reason}") as error:
        dvc("repro", "step", folder=repository)
    assert type(error.value) is kind


def test_a_failure_of_dvc_itself_is_the_node_s(repository: Path) -> None:
    with pytest.raises(NodeError, match=r"^`dvc repro nonesuch` on [^:]+: "):
        dvc("repro", "nonesuch", folder=repository)
