"""Photos in shards: read by any path that means one, and never a damaged one."""

import os
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from stages.common.cli import UserError
from stages.common.paths import RAW, SHARD
from stages.photos import shards
from stages.photos.decode import UnreadablePhotoError, open_photo
from stages.photos.shards import packed_photos
from tests.conftest import PHOTOS, pack_photos, write_photos

SHARD_PATH = RAW / SHARD.format(1)
NAMES = [f"{label}/{number}.jpg" for label in ("cats", "dogs", "été") for number in range(3)]


@pytest.fixture(autouse=True)
def _photos(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.data.archive.MEAN_PHOTOS", 2**32)
    monkeypatch.setattr("stages.data.archive.MAX_PHOTOS", 4)
    for label in ("cats", "dogs", "été"):
        write_photos(PHOTOS / label, 3)
    pack_photos()


def pixels(path: str | Path) -> list[int]:
    return np.asarray(open_photo(path)).ravel().tolist()


def test_photos_are_read_by_their_paths_from_any_thread() -> None:
    assert len(list(RAW.iterdir())) == 3
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(pixels, [f"data/raw/{name}" for name in NAMES]))
    assert read == [pixels(PHOTOS / name) for name in NAMES]
    assert pixels(RAW.absolute() / NAMES[4]) == pixels(PHOTOS / NAMES[4])


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("data/raw", NAMES),
        ("data/raw/dogs", NAMES[3:6]),
        ("data/raw/dogs/1.jpg", [NAMES[4]]),
        *((path, []) for path in ("data/raw/do", "data/raw/dogs/1", "photos", "data", "nowhere", str(SHARD_PATH))),
    ],
)
def test_a_path_means_a_photo_a_folder_or_all(path: str, names: list[str]) -> None:
    assert packed_photos(Path(path)) == [f"{RAW}/{name}" for name in names]


def test_a_photo_that_is_in_no_shard_is_missing() -> None:
    for path in ("data/raw/cats/9.jpg", "data/raw/cats", str(SHARD_PATH / "cats/0.jpg"), "data/cats/0.jpg"):
        with pytest.raises(UnreadablePhotoError, match="cannot be read: No such file or directory"):
            open_photo(path)


def test_shards_of_another_download_are_read_anew() -> None:
    before = pixels("data/raw/cats/0.jpg")
    shutil.copy(PHOTOS / "cats/1.jpg", PHOTOS / "cats/0.jpg")
    pack_photos()
    assert pixels("data/raw/cats/0.jpg") == pixels("data/raw/cats/1.jpg") != before


def change(position: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:position] + bytes([content[position] ^ 1]) + content[position:][1:]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut by a byte": lambda content: content[:-1],
    "cut in a photo": lambda content: content[:100],
    "compressed": lambda _: Path(shutil.make_archive("photos", "zip", PHOTOS)).read_bytes(),
    "no zip": lambda _: b"<!doctype html>" * 100,
    "directory cut out": lambda content: content[:-200] + content[-22:],
    "a header": change(0),
    "the name of its first photo": change(30),
    "a photo": change(500),
    "its directory": lambda content: content.replace(b"PK\1\2", b"PK\1\3", 1),
    "zeros at the start, as of a failing disk": lambda content: bytes(4096) + content[4096:],
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_shard_is_one_line(case: str) -> None:
    SHARD_PATH.write_bytes(DAMAGE[case](SHARD_PATH.read_bytes()))
    with pytest.raises(UserError, match=rf"^{SHARD_PATH}: expected photos .*--force download[^\n]*$"):
        open_photo("data/raw/cats/0.jpg")


def test_a_folder_is_not_listed_without_its_damaged_last_shard() -> None:
    path = RAW / SHARD.format(2)
    path.write_bytes(path.read_bytes().replace(b"dogs/1", b"zogs/1", 1))  # the name of its first photo
    with pytest.raises(UserError, match=f"^{path}: expected photos"):
        packed_photos(RAW / "dogs")


def test_a_shard_of_4_gib_or_more_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a film, or with the archive of the photos beside them: in the zip format's 64-bit extension."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 500)
    pack_photos()
    assert b"PK\6\6" in SHARD_PATH.read_bytes()
    assert packed_photos(RAW) == [f"{RAW}/{name}" for name in NAMES]
    assert pixels("data/raw/cats/0.jpg") == pixels(PHOTOS / "cats/0.jpg")


@pytest.mark.parametrize("name", ["mine.jpg", "cats/mine.jpg", "photos-1.zip"])
def test_files_beside_shards_are_not_passed_over(name: str) -> None:
    """Neither in data/raw nor in a folder with a zip of the user's that has the name of a shard."""
    (RAW / ".DS_Store").touch()
    os.utime(RAW, (1, 1))
    assert packed_photos(RAW) == [f"{RAW}/{path}" for path in NAMES]
    (RAW / name).parent.mkdir(exist_ok=True)
    (RAW / name).touch()
    with pytest.raises(UserError, match=f"^{RAW}: expected nothing beside photos-00001.zip.* found {name[:4]}"):
        packed_photos(RAW)


def test_a_shard_that_is_missing_is_not_passed_over() -> None:
    (RAW / SHARD.format(2)).unlink()
    with pytest.raises(UserError, match=rf"^{RAW}/photos-00002.zip: expected photos .* or missing"):
        packed_photos(RAW)


def test_a_directory_is_read_once_for_its_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = mock.Mock(side_effect=zipfile.ZipFile)
    monkeypatch.setattr(shards, "ZipFile", opened)
    for name in NAMES * 2:
        pixels(f"data/raw/{name}")
    assert opened.call_count == 3
    packed_photos(RAW / "cats")
    assert opened.call_count == 3
    os.utime(RAW, (2, 2))
    packed_photos(RAW / "cats")
    assert opened.call_count == 3 + 2
