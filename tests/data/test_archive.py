import errno
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from stages.common.cli import UserError
from stages.data.archive import unpack
from tests.conftest import write_photos
from tests.data.archives import BAD_ARCHIVES, UNPACKED, photos_by_name, unpacked_files, write_zip

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_zip_is_unpacked_byte_for_byte() -> None:
    photos = photos_by_name()
    unpack(write_zip(Path("photos.zip"), photos), UNPACKED)
    assert unpacked_files() == photos


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked_byte_for_byte(mode: Any) -> None:
    photos = photos_by_name()
    with tarfile.open("photos.tar", mode) as archive:
        archive.add("photos")
    unpack(Path("photos.tar"), UNPACKED)
    assert unpacked_files() == photos


def test_hidden_files_are_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    hidden = [".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r"]
    members = {"__MACOSX/cats/._0.jpg": b"", "cats/0.jpg": b"x", **{f"cats/{name}": b"" for name in hidden}}
    unpack(write_zip(Path("a.zip"), members), UNPACKED)
    assert unpacked_files() == {"cats/0.jpg": b"x"}
    assert "left out 5 hidden files" in caplog.text


def test_windows_paths_are_read_as_folders(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    names = {r"cats\0.jpg": b"x", r"cats\more\1.jpg": b"y", "cats\\": b"", "Thumbs.db": b""}
    unpack(write_zip(Path("a.zip"), names), UNPACKED)
    assert unpacked_files() == {"cats/0.jpg": b"x", "cats/more/1.jpg": b"y"}
    assert "the zip has Windows paths" in caplog.text


def test_a_backslash_beside_slashes_is_part_of_a_name() -> None:
    members = {"cats/a\\b.jpg": b"x", r"cats\c.jpg": b"y"}
    unpack(write_zip(Path("a.zip"), members), UNPACKED)
    assert unpacked_files() == members


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_folder_of_an_archive_without_photos_is_named(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    for folder in ("cats", "dogs", "cows/@eaDir", "fish"):
        Path("all", folder).mkdir(parents=True)
    for name in ("cats/1.jpg", "cows/@eaDir/1.jpg", "fish/Thumbs.db"):
        Path("all", name).touch()
    unpack(Path(shutil.make_archive("photos", kind, "all")), UNPACKED)
    assert "no photos in 3 folders, which are left out, and are no classes: 'cows', 'dogs', 'fish'" in caplog.text


def test_unusual_names_are_kept() -> None:
    names = ["cats/a b.jpg", 'cats/it\'s "so".jpg', "cats/猫.jpg", "cats/a\u202f\u200db.jpg", "cats/$(true);.jpg"]
    unpack(write_zip(Path("a.zip"), dict.fromkeys(names, b"x")), UNPACKED)
    assert unpacked_files() == dict.fromkeys(names, b"x")


@pytest.mark.parametrize(
    ("folders", "names", "encoding"),
    [
        (["猫".encode(), "犬".encode()], ["猫", "犬"], "UTF-8"),
        (["é".encode("cp437"), "è".encode()], ["é", "├¿"], "cp437"),
    ],
)
def test_names_that_a_zip_does_not_mark_are_read_as_utf_8_if_all_are_or_else_as_cp437_and_it_says_so(
    caplog: pytest.LogCaptureFixture, folders: list[bytes], names: list[str], encoding: str
) -> None:
    marks = [bytes([65 + place]) * len(folder) for place, folder in enumerate(folders)]
    content = write_zip(Path("a.zip"), {f"{mark.decode()}/0.jpg": b"x" for mark in marks}).read_bytes()
    for mark, folder in zip(marks, folders, strict=True):
        content = content.replace(mark + b"/", folder + b"/")
    Path("a.zip").write_bytes(content)
    unpack(Path("a.zip"), UNPACKED)
    assert unpacked_files() == {f"{name}/0.jpg": b"x" for name in names}
    assert f"read as {encoding}, the first is '{names[0]}/0.jpg'" in caplog.text


def test_a_tar_that_ends_in_a_zip_is_a_tar() -> None:
    photos = photos_by_name()
    write_zip(Path("photos/more.zip"), {"cats/9.jpg": b"x"})
    with tarfile.open("photos.tar", "w") as archive:
        archive.add("photos/cats")
        archive.add("photos/dogs")
        archive.add("photos/more.zip")
    unpack(Path("photos.tar"), UNPACKED)
    assert unpacked_files() == {**photos, "photos/more.zip": Path("photos/more.zip").read_bytes()}


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_what_no_archive_of_photos_should_hold_is_refused(case: str) -> None:
    write, message = BAD_ARCHIVES[case]
    with pytest.raises(UserError, match=message):
        unpack(write(), UNPACKED)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_compressed_tar_with_one_wrong_byte_is_refused(mode: Any, place: float) -> None:
    write_photos(Path("photos/cats"), 60)
    with tarfile.open("photos.tar", mode) as archive:
        archive.add("photos")
    content = bytearray(Path("photos.tar").read_bytes())
    content[int(place * len(content))] ^= 1
    Path("photos.tar").write_bytes(content)
    with pytest.raises(UserError, match=r"expected a (whole|zip or tar) archive, received"):
        unpack(Path("photos.tar"), UNPACKED)


@pytest.mark.parametrize("change", ["cut between two photos", "a header damaged", "another behind it"])
def test_a_tar_that_does_not_end_where_its_photos_do_is_refused(change: str) -> None:
    photos_by_name()
    with tarfile.open("photos.tar", "w") as archive:
        archive.add("photos")
    with tarfile.open("photos.tar") as archive:
        header = archive.getmembers()[3].offset
    content = bytearray(Path("photos.tar").read_bytes())
    if change == "cut between two photos":
        content = content[:header]
    elif change == "a header damaged":
        content[header] ^= 1
    else:
        content = 2 * content
    Path("photos.tar").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be unpacked: (its end is missing|bytes where its end should be)"):
        unpack(Path("photos.tar"), UNPACKED)


def test_names_that_differ_only_in_case_are_both_kept_or_refused() -> None:
    members = {"cats/a.jpg": b"small", "cats/A.jpg": b"large"}
    try:
        unpack(write_zip(Path("a.zip"), members), UNPACKED)
    except UserError as error:  # on a file system that does not distinguish the two
        assert "expected one file of each name (in any case)" in str(error)  # noqa: PT017
    else:
        assert unpacked_files() == members


def test_a_disk_that_fails_is_no_damaged_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Any, target: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    archive = write_zip(Path("photos.zip"), photos_by_name())
    monkeypatch.setattr(shutil, "copyfileobj", fail)
    with pytest.raises(OSError, match="Input/output error"):
        unpack(archive, UNPACKED)
