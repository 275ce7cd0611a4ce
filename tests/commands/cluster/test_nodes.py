"""The files for the nodes of a cluster, the checks of nodes, and whose fault a failure is; without a cluster."""

import json
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import pytest
import ray
from dvc.repo import Repo

from commands.cluster import nodes
from commands.cluster.nodes import check_nodes, check_resources, connect, copy_tracked_files, prepare
from commands.cluster.workspace import NodeError, dvc
from stages.common.cli import MACHINE_FAILURE, UserError
from stages.common.params import Resources
from tests.project import run


def test_one_node_must_have_all_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        {"Alive": True, "Resources": {"CPU": 4.0, "memory": 2.0 * 2**30}},
        {"Alive": True, "Resources": {"CPU": 2.0, "GPU": 1.0, "memory": 4.0 * 2**30}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0, "memory": 64.0 * 2**30}},
    ]
    monkeypatch.setattr(ray, "nodes", lambda: found)
    amounts = [(4, 0, 1), (1, 1, 2), (5, 0, 1), (4, 1, 1), (1, 0, 9)]  # of the last but one each node has a part
    needed = [Resources(cpus=cpus, gpus=gpus, memory_gib=memory) for cpus, gpus, memory in amounts]
    check_resources(needed[:2])
    for resources, (cpus, gpus, memory) in zip(needed[2:], amounts[2:], strict=True):
        with pytest.raises(UserError, match=f"expected a node with cpus: {cpus}, gpus: {gpus}, memory_gib: {memory} "):
            check_resources([*needed[:2], resources])
    monkeypatch.setattr(nodes, "connect", mock.Mock())
    monkeypatch.setattr(nodes, "dvc", None)  # before any step runs
    with pytest.raises(UserError, match="expected a node with cpus: 5, "):
        prepare(needed, [], [])


def test_a_node_that_dies_while_it_is_checked_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was killed before, which Ray notices only after some seconds."""
    alive = {"NodeID": ray.NodeID.from_random().hex(), "NodeManagerHostname": "node-1", "Alive": True}
    found = [[alive], [{**alive, "Alive": False}], [alive], [alive]]
    monkeypatch.setattr(ray, "nodes", mock.Mock(side_effect=found))
    monkeypatch.setattr(nodes, "problems_of_node", mock.Mock())
    monkeypatch.setattr(ray, "get", mock.Mock(side_effect=ray.exceptions.TaskUnschedulableError("not schedulable")))
    check_nodes("")
    with pytest.raises(UserError, match=r"nodes cannot run the steps: node-1: .*not schedulable"):
        check_nodes("")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is a sub-folder of its repository, with a file of each kind."""
    folder = tmp_path / "repository/project"
    (folder / "stages").mkdir(parents=True)
    monkeypatch.chdir(folder)
    run(Path(), "git", "init", "--quiet", "..")
    for name in ("dvc.yaml", "stages/a.py", "changed.txt", "deleted.txt", "forced.log", "café.txt"):
        Path(name).write_text("tracked")
    Path("link.txt").symlink_to("nowhere")
    Path(".gitignore").write_text("*.log\n")
    Path("../outside.txt").write_text("tracked")
    run(Path(), "git", "add", "--all", "..")
    run(Path(), "git", "add", "--force", "forced.log")
    Path("changed.txt").write_text("not committed")
    Path("deleted.txt").unlink()
    Path("photos").mkdir()
    for name in ("photos/1.jpg", "secret.env", "ignored.log", "stages/new.py"):
        Path(name).write_text("stays here")
    return tmp_path / "sent"


def test_nodes_receive_what_git_tracks(checkout: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As it is now, whether git ignores it or not; a module that git does not track is named."""
    copy_tracked_files(checkout)
    sent = {path.relative_to(checkout).as_posix(): path.read_text() for path in checkout.rglob("*") if path.is_file()}
    tracked = dict.fromkeys(["dvc.yaml", "stages/a.py", "forced.log", "café.txt"], "tracked")
    assert sent == {**tracked, "changed.txt": "not committed", ".gitignore": "*.log\n"}
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["stages/new.py"]


def test_a_project_without_git_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any, then in one that tracks no file, then without the program."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    Path("dvc.yaml").write_text("stages: {}")
    with pytest.raises(UserError, match=r"repository for the nodes: .*not a git repository.*: `git init` and `git add"):
        connect()
    run(Path(), "git", "init", "--quiet")
    with pytest.raises(UserError, match=r"^expected git to track dvc.yaml, .*: `git add --all`$"):
        connect()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"^expected a git repository"):
        connect()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ray.exceptions.RuntimeEnvSetupError("Package size (603.64MiB) exceeds\nmore"), "to the nodes.*603.64MiB"),
        (ray.exceptions.RpcError("closed"), "expected a Ray cluster on this machine, .*closed"),
        (ValueError("Python 3.12"), "expected a Ray cluster on this machine, .*Python 3.12"),
        (None, "expected a Ray cluster at RAY_ADDRESS=127.0.0.1:99999, found none"),  # no such port
    ],
)
@pytest.mark.usefixtures("checkout")
def test_a_failure_to_join_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception | None, message: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "" if error else "127.0.0.1:99999")
    monkeypatch.setattr(ray, "init", mock.Mock(side_effect=error or AssertionError))
    with pytest.raises(UserError, match=message) as raised:
        connect()
    assert "\n" not in str(raised.value)


def test_a_node_with_other_versions_has_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "workspace", mock.Mock(side_effect=UserError("no remote")))
    here, others = nodes.installed_versions(), dict.fromkeys(("Python", "keras", "pillow", "tensorflow"), "0.1")
    *problems, remote = nodes.problems_of_node._function({**here, **others}, "")
    assert problems == [f"{name} {here[name]} instead of 0.1" for name in others]
    assert remote == "expected the caller's default DVC remote: no remote"


def test_a_node_that_only_reads_the_remote_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a training run, whose results could not be pushed."""
    with Repo.init(str(tmp_path), no_scm=True) as repo, repo.config.edit() as config:
        config["core"]["remote"] = "shared"
        config["remote"] = {"shared": {"url": str(tmp_path / "remote[1]")}}
    monkeypatch.setattr(nodes, "workspace", lambda _: nullcontext(tmp_path))
    monkeypatch.setattr(nodes, "dvc", mock.Mock())
    with pytest.raises(RuntimeError, match=r"remote\[1\]/.*/.probe-"):
        nodes.problems_of_node._function({}, "")
    remote = tmp_path / "remote[1]/files/md5"
    remote.mkdir(parents=True)
    assert nodes.problems_of_node._function({}, "") == []
    assert list(remote.iterdir()) == []


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
