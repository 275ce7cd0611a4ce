"""What `make demo` says last: the tutorial, and the way back to the real parameters."""

from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.project import commit, run


def next_steps(folder: Path) -> list[str]:
    return run(folder, "make", f"--file={PROJECT}/Makefile", "next-steps").splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project with nothing but parameters, on the branch ``trunk``."""
    (tmp_path / "params.yaml").write_text("real")
    run(tmp_path, "git", "init", "--quiet", "--initial-branch=trunk")
    run(tmp_path, "git", "config", "user.name", "me")
    run(tmp_path, "git", "config", "user.email", "me@example.org")
    commit(tmp_path)
    return tmp_path


def test_the_tutorial_is_that_of_the_readme(clone: Path) -> None:
    readme = (PROJECT / "README.md").read_text().replace('"', "'")
    commands = [line.strip() for line in next_steps(clone) if line.startswith("    ")]
    for command in commands[:-1]:
        assert command in readme
    assert commands[1].startswith("git switch --create ")
    assert commands[2].startswith("git add ")


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("detached", [False, True])
def test_the_last_line_goes_back_to_the_real_parameters(clone: Path, committed: bool, detached: bool) -> None:
    if detached:
        run(clone, "git", "switch", "--quiet", "--detach")
    (clone / "params.yaml").write_text("drawn")
    *_, switch, commit_all, _, _, _, back = next_steps(clone)
    assert detached or back.strip() == "git restore --source=trunk params.yaml"
    if committed:
        run(clone, "bash", "-c", f"{switch} && {commit_all}")
    run(clone, "bash", "-c", back)
    assert (clone / "params.yaml").read_text() == "real"
