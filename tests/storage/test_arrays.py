import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.storage.arrays import create_array, open_array, read_cached, temporary_array, write_cached
from tests.conftest import PROJECT
from tests.storage.damage import DAMAGES, damaged

CONTENT = np.random.default_rng(0).normal(size=(20, 3, 5)).astype(np.float32)
INDICES = np.array([7, 0, 7, 19])


def test_rows_are_written_and_read_by_index(workspace: Path) -> None:
    rows = temporary_array(CONTENT.shape, np.float32)
    for first in (12, 5, 0):
        rows.write(first, CONTENT[first : first + 8])
    assert (len(rows), rows.shape, rows.dtype.name) == (20, (20, 3, 5), "float32")
    np.testing.assert_array_equal(rows[INDICES], CONTENT[INDICES])
    assert list(Path("data").iterdir()) == [], "it has no name"


def test_a_stored_array_is_numpys_own_file(tmp_path: Path) -> None:
    create_array(tmp_path / "ours.npy", CONTENT.shape, np.float16).write(0, CONTENT)
    np.save(tmp_path / "theirs.npy", CONTENT.astype(np.float16))
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()
    opened = open_array(tmp_path / "theirs.npy")
    assert (opened.shape, opened.dtype.name) == (CONTENT.shape, "float16")
    np.testing.assert_array_equal(opened[INDICES], CONTENT.astype(np.float16)[INDICES])


@pytest.mark.parametrize("content", [1.0, [0.0, 1.0], [["a"]], np.zeros((0, 8), np.uint8), {"an": "archive"}], ids=str)
def test_another_array_is_not_rows_of_photos(tmp_path: Path, content: Any) -> None:
    with (tmp_path / "rows.npy").open("wb") as file:
        if isinstance(content, dict):
            np.savez(file, allow_pickle=False, **content)
        else:
            np.save(file, content)
    with pytest.raises(ValueError, match="expected an array of numbers with a row for each photo"):
        open_array(tmp_path / "rows.npy")


def test_a_file_cut_after_it_was_opened_is_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", CONTENT)
    rows = open_array(tmp_path / "rows.npy")
    os.truncate(tmp_path / "rows.npy", (tmp_path / "rows.npy").stat().st_size - 1)
    np.testing.assert_array_equal(rows[np.array([18])], CONTENT[[18]])
    with pytest.raises(OSError, match="shorter"):
        rows[np.array([19])]


def test_a_full_disk_is_the_systems_own_error(workspace: Path) -> None:
    rows = temporary_array((1, 4), np.uint8)
    with Path("/dev/full").open("wb") as full:
        os.dup2(full.fileno(), rows.file.fileno())
    with pytest.raises(OSError, match="No space left on device"):
        rows.write(0, np.zeros(4))


def test_no_array_is_written_by_numpys_save() -> None:
    """Its error on a full disk has no errno, and would be taken for a bug."""
    code = [path for folder in ("stages", "commands") for path in (PROJECT / folder).rglob("*.py")]
    assert code
    assert not [path for path in code if re.search(r"np\.save\(|\.tofile\(", path.read_text())]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_is_logged_and_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    """A power failure may leave a file without its content, its end or a part in between; a disk may change a bit."""
    path = tmp_path / "cache.npz"
    write_cached(path, "key", ones=np.ones(1000))
    assert read_cached(path, "key")["ones"].sum() == 1000
    path.write_bytes(damaged(path.read_bytes(), damage))
    assert read_cached(path, "key") == {}
    assert caplog.messages == [f"{path} is damaged, so it is not used"]
