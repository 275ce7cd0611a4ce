"""What a DVC command's end on a node says: whose fault it was."""

import json
from pathlib import Path

import pytest

from stages.cluster.workspace import NodeError, dvc
from stages.common.program import OF_THE_MACHINE, UserError
from tests.project import run


@pytest.mark.parametrize(
    ("command", "kind", "said"),
    [
        ("echo 'error: expected this, received that'; exit 1", UserError, "expected this, received that"),
        (f"echo '{OF_THE_MACHINE[0]}, found none'; exit 1", NodeError, "expected room on the disk, found none"),
        ("kill -9 $$", NodeError, "failed to reproduce 'step': failed to run: kill -9"),
    ],
)
def test_a_failure_for_which_the_step_gives_no_reason_or_one_of_the_machine_is_the_nodes(
    tmp_path: Path, command: str, kind: type[UserError], said: str
) -> None:
    run(tmp_path, "dvc", "init", "--no-scm")
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": {"step": {"cmd": command}}}))
    with pytest.raises(UserError, match=f"^`dvc repro step` on [^:]+: {said}") as error:
        dvc(tmp_path, "repro", "step")
    assert type(error.value) is kind
