import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image

from stages.common.program import UserError
from stages.photos.arrays import DiskArray, MemoryBudget, allocate_array, load_pixels

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


def test_pixels_are_resized_to_height_and_width(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), (10, 20, 30)).save(tmp_path / "a.png")
    pixels = load_pixels([str(tmp_path / "a.png")], (6, 8), MemoryBudget(1))
    assert pixels.shape == (1, 6, 8, 3)
    assert pixels.dtype == np.uint8
    assert (pixels[np.arange(1)] == [10, 20, 30]).all()


def test_photos_stay_in_the_order_of_their_paths(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{shade}.png") for shade in range(0, 250, 5)]
    for shade, path in zip(range(0, 250, 5), paths, strict=True):
        Image.new("L", (5, 5), shade).save(path)
    pixels = load_pixels(paths, (1, 1), MemoryBudget(1))[np.arange(50)]
    assert pixels.ravel().tolist() == [shade for shade in range(0, 250, 5) for _ in "RGB"]


def test_a_photo_that_can_no_longer_be_read_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("damaged since")
    with pytest.raises(
        UserError, match=r"a.jpg: cannot be decoded: cannot identify image file: run `dvc repro --force"
    ):
        load_pixels([str(path)], (4, 4), MemoryBudget(1))
