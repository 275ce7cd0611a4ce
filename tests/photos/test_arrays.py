import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from stages.photos.arrays import DiskArray, MemoryBudget, allocate_array

CONTENT = np.random.default_rng(0).normal(size=(20, 3, 5)).astype(np.float32)


@pytest.mark.parametrize(("gib", "on_disk"), [(1, False), (0, True)])
def test_rows_are_the_same_in_memory_and_on_disk(tmp_path: Path, gib: float, on_disk: bool) -> None:
    rows = allocate_array(20, (3, 5), np.float32, MemoryBudget(gib), tmp_path)
    for number in reversed(range(20)):
        rows[number] = CONTENT[number]
    assert isinstance(rows, DiskArray) == on_disk
    assert (len(rows), rows.shape, rows.dtype.name) == (20, (20, 3, 5), "float32")
    chosen = np.array([7, 0, 7, 19])
    np.testing.assert_array_equal(rows[chosen], CONTENT[chosen])


def test_rows_on_disk_leave_no_file(tmp_path: Path) -> None:
    rows = allocate_array(20, (3, 5), np.float32, MemoryBudget(0), tmp_path / "new")
    rows[0] = CONTENT[0]
    assert list((tmp_path / "new").iterdir()) == []


def test_what_the_budget_has_no_room_for_leaves_it_to_the_next() -> None:
    budget = MemoryBudget(100 / 2**30)
    assert budget.take(60)
    assert not budget.take(60)
    assert budget.take(40)
    assert not budget.take(1)


def test_a_full_disk_is_the_systems_own_error() -> None:
    with TemporaryDirectory() as folder:
        rows = DiskArray(1, (4,), np.dtype(np.uint8), Path(folder))
    with Path("/dev/full").open("wb") as full:
        os.dup2(full.fileno(), rows.file.fileno())
    with pytest.raises(OSError, match="No space left on device"):
        rows[0] = np.zeros(4)
