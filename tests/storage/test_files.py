import errno
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest

from commands.cluster.parquet import open_folder, write_atomically
from stages.storage.files import atomic_folder, atomic_write, content_hash, explain_unreadable
from tests.conftest import PROJECT


class FailureError(Exception):
    """Stands for whatever ends a write."""


def test_a_file_is_replaced_on_success_only(tmp_path: Path) -> None:
    path = tmp_path / "new/file.txt"
    with atomic_write(path) as unfinished:
        unfinished.write_text("first")
        assert not path.exists()
    with suppress(FailureError), atomic_write(path) as unfinished:
        unfinished.write_text("half of the sec")
        raise FailureError
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_appears_on_success_only(tmp_path: Path) -> None:
    with suppress(FailureError), atomic_folder(tmp_path / "exported") as unfinished:
        (unfinished / "model").touch()
        raise FailureError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "exported") as unfinished:
        (unfinished / "model").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["exported", "model"]


def test_a_folder_in_a_layer_of_an_image_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers (overlayfs) refuse to rename it, as if it were on another file system."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/old").touch()
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if source == tmp_path / "folder":
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        replace(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    with atomic_folder(tmp_path / "folder", replace=True) as unfinished:
        (unfinished / "new").touch()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["folder", "folder/new"]


WRITER = """
import sys
from pathlib import Path
from stages.storage.files import atomic_write
with atomic_write(Path(sys.argv[1])) as unfinished:
    unfinished.write_text("half")
    print("writing", flush=True)
    input()
"""


def test_files_of_killed_processes_are_deleted(tmp_path: Path) -> None:
    """By the next one that writes into the folder, and those of living processes are not."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "file.txt")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen(command, cwd=PROJECT, **pipes) as killed,
        subprocess.Popen(command, cwd=PROJECT, **pipes) as living,
    ):
        for process in (killed, living):
            assert process.stdout
            assert process.stdout.readline() == "writing\n"
        killed.kill()
        killed.wait()
        assert len(list(tmp_path.iterdir())) == 2
        with atomic_write(tmp_path / "another.txt") as unfinished:
            unfinished.write_text("whole")
        assert len(list(tmp_path.iterdir())) == 2, "the new file, and the folder of the living process"
        living.communicate("\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file.txt": "half", "another.txt": "whole"}


def test_hidden_files_of_the_user_are_left_alone(tmp_path: Path) -> None:
    for name in (".unfinished-work", ".unfinished-file.txt", ".unfinished-folder"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").touch()
    (tmp_path / ".file.txt").touch()
    with atomic_write(tmp_path / "file.txt") as unfinished:
        unfinished.write_text("written")
    with atomic_folder(tmp_path / "folder", replace=True):
        pass
    assert len(list(tmp_path.glob(".unfinished-*/mine"))) == 3
    assert not (tmp_path / ".file.txt").read_text()


def write_file(tmp_path: Path, content: str, together: Callable[[], Any]) -> None:
    with atomic_write(tmp_path / "made.txt") as unfinished, unfinished.open("w") as file:
        for _ in range(1000):
            together()
            file.write(content)


def write_folder(tmp_path: Path, content: str, together: Callable[[], Any]) -> None:
    for _ in range(20):
        with atomic_folder(tmp_path / "made", replace=True) as unfinished:
            (unfinished / "first.txt").write_text(content * 500)
            together()
            (unfinished / "second.txt").write_text(content * 500)


def write_to_remote(tmp_path: Path, content: str, together: Callable[[], Any]) -> None:
    for _ in range(20):
        together()
        write_atomically(open_folder(str(tmp_path)), "made.txt", content.encode() * 1000)


@pytest.mark.parametrize("write", [write_file, write_folder, write_to_remote])
def test_of_two_simultaneous_writers_one_is_kept_complete(tmp_path: Path, write: Callable[..., None]) -> None:
    barrier = Barrier(2, timeout=60)
    failures: list[Exception] = []

    def catch(content: str) -> None:
        try:
            write(tmp_path, content, barrier.wait)
        except Exception as error:  # noqa: BLE001 (of a thread, which would lose it)
            failures.append(error)
            barrier.abort()

    threads = [Thread(target=catch, args=(content,)) for content in ("long", "short")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert {path.suffix for path in files} == {".txt"}, "nothing unfinished is left"
    assert "".join(path.read_text() for path in files) in ("long" * 1000, "short" * 1000)


def test_a_link_is_replaced_and_its_target_not_written(tmp_path: Path) -> None:
    (tmp_path / "cached").write_text("in the cache")
    (tmp_path / "file.txt").symlink_to(tmp_path / "cached")
    with atomic_write(tmp_path / "file.txt") as unfinished:
        unfinished.write_text("new")
    assert (tmp_path / "cached").read_text() == "in the cache"
    assert not (tmp_path / "file.txt").is_symlink()


def test_a_failing_disk_is_not_a_damaged_file() -> None:
    with pytest.raises(OSError, match="Input/output error"), explain_unreadable(Path("a.json"), "run it again"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_content_hash_depends_on_where_parts_end() -> None:
    assert content_hash(["ab", "c"]) != content_hash(["a", "bc"])
    assert content_hash([np.zeros(2)]) == content_hash([np.zeros(2, np.int64)])
