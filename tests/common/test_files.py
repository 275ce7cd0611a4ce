from contextlib import suppress
from pathlib import Path

import numpy as np

from stages.common.files import atomic_folder, atomic_write, fingerprint


class FailureError(Exception):
    """Stands for whatever ends a write."""


def test_a_file_is_replaced_when_it_is_whole_and_left_alone_before(tmp_path: Path) -> None:
    path = tmp_path / "new/file.txt"
    with atomic_write(path) as unfinished:
        unfinished.write_text("first")
        assert not path.exists()
    with suppress(FailureError), atomic_write(path) as unfinished:
        unfinished.write_text("half of the sec")
        raise FailureError
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_run_left_is_cleaned_up_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-file.txt").write_text("left over")
    with atomic_write(tmp_path / "file.txt") as unfinished:
        unfinished.write_text("whole")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file.txt": "whole"}


def test_a_hidden_file_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("mine")
    with atomic_write(tmp_path / "env") as unfinished:
        unfinished.write_text("written")
    assert (tmp_path / ".env").read_text() == "mine"


def test_a_link_is_replaced_and_what_it_leads_to_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "cached").write_text("in the cache")
    (tmp_path / "file.txt").symlink_to(tmp_path / "cached")
    with atomic_write(tmp_path / "file.txt") as unfinished:
        unfinished.write_text("new")
    assert (tmp_path / "cached").read_text() == "in the cache"
    assert not (tmp_path / "file.txt").is_symlink()


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with suppress(FailureError), atomic_folder(tmp_path / "exported") as unfinished:
        (unfinished / "model").touch()
        raise FailureError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "exported") as unfinished:
        (unfinished / "model").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["exported", "model"]


def test_a_fingerprint_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
    assert fingerprint([np.zeros(2)]) == fingerprint([np.zeros(2, np.int64)])
