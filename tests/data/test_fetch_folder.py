"""Copies from a folder on this machine."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from stages.common.cli import UserError
from stages.data import fetch
from stages.data.fetch import Source
from tests.conftest import write_photos

pytestmark = pytest.mark.usefixtures("hurry")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two photos."""
    write_photos(tmp_path / "photos/cats", 2)
    return tmp_path / "photos"


def copy_folder(folder: Path) -> list[str]:
    """Copy a folder and list what arrived."""
    copy = folder.with_name("copy")
    Source(str(folder), "download.photos").copy_folder(copy)
    return sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())


def test_folders_without_photos_and_those_of_systems(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The latter are left out, the former named, as each may be a class."""
    for name in ("dogs", "cows/@eaDir", "#recycle/cats"):
        (folder / name).mkdir(parents=True)
    for name in ("cows/@eaDir/1.jpg", "#recycle/cats/1.jpg", "cats/Thumbs.db"):
        (folder / name).touch()
    assert copy_folder(folder) == ["cats/0.jpg", "cats/1.jpg"]
    assert "no photos in 2 folders, which are left out, and are no classes: 'cows', 'dogs'" in caplog.text


@pytest.fixture
def no_clones(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk that cannot clone files, whatever disk the tests run on; the requests that it refused."""
    requests = []

    def refuse(_: Any, request: int, __: int) -> None:
        requests.append(request)
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    return requests


def test_local_files_are_cloned_where_the_disk_can(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def clone(copy: Any, request: int, original: int) -> None:
        assert request == fetch.FICLONE
        copy.write(os.pread(original, os.fstat(original).st_size, 0))

    monkeypatch.setattr(fcntl, "ioctl", clone)
    monkeypatch.setattr(LocalFileSystem, "get_file", None)
    assert copy_folder(folder) == ["cats/0.jpg", "cats/1.jpg"]
    assert (folder.with_name("copy") / "cats/1.jpg").read_bytes() == (folder / "cats/1.jpg").read_bytes()


def test_a_disk_that_cannot_clone_is_asked_once_and_files_are_copied(folder: Path, no_clones: list[int]) -> None:
    assert copy_folder(folder) == ["cats/0.jpg", "cats/1.jpg"]
    assert (folder.with_name("copy") / "cats/1.jpg").read_bytes() == (folder / "cats/1.jpg").read_bytes()
    assert no_clones == [fetch.FICLONE]


def test_a_photo_that_is_edited_in_place_leaves_its_copy_alone(folder: Path) -> None:
    before = (folder / "cats/0.jpg").read_bytes()
    copy_folder(folder)
    with (folder / "cats/0.jpg").open("r+b") as photo:
        photo.write(b"edited")
    assert (folder.with_name("copy") / "cats/0.jpg").read_bytes() == before


@pytest.mark.usefixtures("no_clones")
def test_a_file_of_a_folder_is_read_again_after_a_fault_that_passes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([TimeoutError("busy"), ConnectionError("reset")])
    get_file = LocalFileSystem.get_file

    def fail_twice(*arguments: Any, **options: Any) -> None:
        for fault in faults:
            raise fault
        get_file(*arguments, **options)

    monkeypatch.setattr(LocalFileSystem, "get_file", fail_twice)
    assert copy_folder(folder) == ["cats/0.jpg", "cats/1.jpg"]


@pytest.mark.usefixtures("no_clones")
def test_a_file_without_permission_is_not_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def refuse(self: LocalFileSystem, path: str, *_: Any, **__: Any) -> None:
        attempts.append(path)
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(LocalFileSystem, "get_file", refuse)
    with pytest.raises(UserError, match=r"^download.photos: cannot fetch .*cats/0.jpg: .*Permission denied"):
        copy_folder(folder)
    assert len(attempts) == 1


@pytest.mark.usefixtures("no_clones")
@pytest.mark.parametrize(
    "fault", [OSError(errno.EIO, "Input/output error"), OSError(errno.EMFILE, "..."), MemoryError()]
)
def test_a_fault_of_the_machine_is_neither_tried_again_nor_blamed_on_the_photos(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    attempts = []

    def fail(self: LocalFileSystem, path: str, *_: Any, **__: Any) -> None:
        attempts.append(path)
        raise fault

    monkeypatch.setattr(LocalFileSystem, "get_file", fail)
    with pytest.raises(type(fault)) as raised:
        copy_folder(folder)
    assert raised.value is fault
    assert len(attempts) == 1


def test_a_server_s_fault_that_s3fs_calls_an_input_output_error_is_not_this_machine_s() -> None:
    assert not fetch.is_local_failure(OSError(errno.EIO, "InternalError"), is_local=False)
    assert fetch.is_local_failure(OSError(errno.ENOSPC, "No space left on device"), is_local=False)


@pytest.mark.parametrize("inner", ["cats", "cats/more"])
def test_a_folder_without_permission_is_not_left_out(
    folder: Path, without_access: Callable[[str], None], inner: str
) -> None:
    write_photos(folder / "cats/more", 1)
    without_access(str(folder / inner))
    with pytest.raises(UserError, match=rf"^download.photos: cannot fetch .*Permission denied: '.*photos/{inner}'$"):
        copy_folder(folder)


def test_a_hidden_folder_without_permission_is_left_out_as_any(
    folder: Path, without_access: Callable[[str], None]
) -> None:
    write_photos(folder / ".Trash-1", 1)
    without_access(str(folder / ".Trash-1"))
    assert copy_folder(folder) == ["cats/0.jpg", "cats/1.jpg"]


def test_hidden_files_of_a_folder_are_left_out_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    (folder / "cats/.DS_Store").touch()
    assert copy_folder(folder) == ["cats/0.jpg", "cats/1.jpg"]
    assert "left out 1 hidden files" in caplog.text


def test_a_name_in_a_folder_that_is_not_utf_8_is_refused(folder: Path) -> None:
    (folder / "caf\udce9.jpg").touch()
    with pytest.raises(
        UserError, match=r"names in UTF-8 without control characters, received 'caf\\udce9.jpg': rename it"
    ):
        copy_folder(folder)


def test_a_link_to_a_folder_is_refused(folder: Path) -> None:
    (folder / "dogs").symlink_to(folder / "cats")
    with pytest.raises(UserError, match=r"received .*photos/dogs, a link to a folder: put the folder there"):
        copy_folder(folder)


def test_a_link_to_nothing_is_refused(folder: Path) -> None:
    (folder / "0.jpg").symlink_to("nowhere.jpg")
    with pytest.raises(UserError, match=r"expected a file or folder at .*photos/0.jpg', found none"):
        copy_folder(folder)
