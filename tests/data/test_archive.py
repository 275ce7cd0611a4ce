import errno
import gzip
import io
import re
import shutil
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tqdm import tqdm

from stages.common.cli import UserError
from stages.data import archive
from stages.data.archive import pack_archive
from tests.conftest import less_memory_than, pack_photos, packed_files, write_photos

pytestmark = pytest.mark.usefixtures("workspace")

ARCHIVE, PACKED = Path("archive"), Path("packed")
ODD = ["$(true);.jpg", "a b.jpg", "cats/a\u202f\u200db.jpg", "cats/猫.jpg", 'it\'s "so".jpg']


def packed() -> dict[str, bytes]:
    """Pack ARCHIVE, and read what is in the shards."""
    PACKED.mkdir()
    pack_archive(ARCHIVE, PACKED)
    return packed_files(PACKED)


def photos_by_name(count: int = 2) -> dict[str, bytes]:
    """Write this many photos of cats and of dogs below photos/."""
    write_photos(Path("photos/cats"), count)
    write_photos(Path("photos/dogs"), count)
    return {path.as_posix(): path.read_bytes() for path in sorted(Path("photos").rglob("*.jpg"))}


def zip_of(members: dict[str, bytes]) -> bytes:
    """A zip that is the same at any time: its headers say 1980."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, content in members.items():
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def zip_with(*names: str) -> bytes:
    return zip_of(dict.fromkeys(names, b"x"))


def write_tar(mode: Any = "w", names: tuple[str, ...] = ("photos",)) -> None:
    with tarfile.open(ARCHIVE, mode) as archive:
        for name in names:
            archive.add(name)


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_files_are_packed_byte_for_byte(mode: Any) -> None:
    photos = photos_by_name()
    ARCHIVE.write_bytes(zip_of(photos)) if mode == "zip" else write_tar(mode)
    assert packed() == photos


def test_files_of_a_zip_take_few_bytes_each() -> None:
    names = [sys.intern(f"{number}.jpg") for number in range(5000)]  # as pathlib does, whose table might grow below
    ARCHIVE.write_bytes(zip_of({f"cats/{name}": b"" for name in names}))
    PACKED.mkdir()
    pack_archive(ARCHIVE, PACKED)  # of what Python loads or keeps once
    with less_memory_than(610 * 5000):
        pack_archive(ARCHIVE, PACKED)


@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_hidden_files_and_empty_folders_are_left_out(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """The latter are named, as each may be a class."""
    for folder in ("cats", "dogs", "cows/@eaDir", "fish", "__MACOSX/cats"):
        Path("all", folder).mkdir(parents=True)
    for name in ("cats/1.jpg", "cows/@eaDir/1.jpg", "fish/Thumbs.db", "__MACOSX/cats/._1.jpg", "cats/Icon\r"):
        Path("all", name).touch()
    if kind == "folder":
        pack_photos(Path("all"), PACKED)
    else:
        Path(shutil.make_archive("photos", kind, "all")).rename(ARCHIVE)
        packed()
    assert packed_files(PACKED) == {"cats/1.jpg": b""}
    assert re.search("hidden files left out: 4, such as '(__MACOSX|cats|cows|fish)/", caplog.text)
    assert "(3): 'cows', 'dogs', 'fish'" in caplog.text


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ([r"cats\0.jpg", r"cats\more\1.jpg", "cats\\", "Thumbs.db"], ["cats/0.jpg", "cats/more/1.jpg"]),
        (["cats/A.jpg", "cats/a.jpg", "cats/photos-00001.zip"], ["cats/A.jpg", "cats/a.jpg", "cats/photos-00001.zip"]),
        (["cats/a\\b.jpg", r"cats\c.jpg"], ["cats/a\\b.jpg", r"cats\c.jpg"]),
        (ODD, ODD),
    ],
)
def test_unusual_names_are_kept(members: list[str], names: list[str]) -> None:
    """Backslashes separate folders where no name has a slash."""
    ARCHIVE.write_bytes(zip_with(*members))
    assert packed() == dict.fromkeys(names, b"x")


@pytest.mark.parametrize(
    ("folders", "names", "encoding"),
    [
        (["猫".encode(), "犬".encode()], ["猫", "犬"], "UTF-8"),
        (["é".encode("cp437"), "è".encode()], ["é", "├¿"], "cp437"),
    ],
)
def test_unmarked_names_in_a_zip_are_utf_8_or_cp437(
    caplog: pytest.LogCaptureFixture, folders: list[bytes], names: list[str], encoding: str
) -> None:
    """As UTF-8 if all can be; the log says which."""
    marks = [bytes([65 + index]) * len(folder) for index, folder in enumerate(folders)]
    content = zip_with(*(f"{mark.decode()}/0.jpg" for mark in marks))
    for mark, folder in zip(marks, folders, strict=True):
        content = content.replace(mark + b"/", folder + b"/")
    ARCHIVE.write_bytes(content)
    assert packed() == {f"{name}/0.jpg": b"x" for name in names}
    assert f"read as {encoding}, the first is '{names[0]}/0.jpg'" in caplog.text


def test_a_tar_that_ends_in_a_zip_is_a_tar() -> None:
    photos = photos_by_name()
    ARCHIVE.write_bytes(zip_of({"cats/9.jpg": b"x"}))
    more = ARCHIVE.rename("photos/more.zip")
    write_tar("w", ("photos/cats", "photos/dogs", "photos/more.zip"))
    assert packed() == {**photos, "photos/more.zip": more.read_bytes()}


def zip_with_link() -> bytes:
    file, link = io.BytesIO(), zipfile.ZipInfo("cats/evil.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(link, "../../../evil")
    return file.getvalue()


def tar_of(name: str, encoding: str = "utf-8", **attributes: Any) -> bytes:
    """A tar of one member that is empty, with these attributes."""
    member = tarfile.TarInfo(name)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member.tobuf(tarfile.GNU_FORMAT, encoding) + bytes(1024)


CAT = "猫".encode()
CHECKSUM = zlib.crc32(b"x").to_bytes(4, "little")
BAD_ARCHIVES = {
    "Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid", "pointer: run `git lfs pull`$"),
    "empty file": (b"", "received an empty file$"),
    "web page": (b"<!doctype html>", "a complete zip or tar archive, received a web page$"),
    "rar": (b"Rar!\x1a\x07\1\0", "received a 7z or rar archive$"),
    "Windows path out": (zip_with(r"cats\0.jpg", r"..\evil.jpg"), "'../evil.jpg', which leads out of it"),
    "path out": (zip_with("../evil.jpg"), "'../evil.jpg', which leads out of it"),
    "name of a shard": (zip_with("photos-00099.zip"), "'photos-00099.zip', named like the shards of this step: unpack"),
    "no name": (zip_with("cats/0.jpg", "."), "expected each name once, .*'.' again"),
    "zeros for a name": (zip_with("猫.jpg").replace(CAT + b".jpg", bytes(7)), "expected each name once, .*'.' again"),
    "absolute path": (zip_with("/tmp/evil.jpg"), "'/tmp/evil.jpg', which leads out"),  # noqa: S108 (not written)
    "zip cut short": (zip_with("a/0.jpg")[:60], "zip or tar archive, received a zip archive$"),
    "tar.gz cut short": (gzip.compress(tar_of("a/0.jpg"))[:60], "unpacked: Compressed file ended before"),
    "damaged zip": (zip_with("a/0.jpg").replace(CHECKSUM, bytes(4)), "an intact archive, received one that cannot"),
    "link in a tar": (tar_of("cats/evil.jpg", type=tarfile.SYMTYPE, linkname="../e"), "link or device 'cats/evil"),
    "link in a zip": (zip_with_link(), "received the link or device 'cats/evil.jpg'"),
    "two files of one name": (
        zip_with("0.jpg", "1.jpg").replace(b"1.jpg", b"0.jpg"),
        "each name once, .*'0.jpg' again",
    ),
    "file and folder": (zip_with("cats/0.jpg", "cats/0.jpg/a.jpg"), "expected each name once, .*'cats/0.jpg' again"),
    "name too long": (zip_with(f"cats/{'0' * 300}.jpg"), "names of up to 255 bytes, received 'cats/0"),
    "name not UTF-8": (tar_of("caf\xe9.jpg", "latin-1"), r"in UTF-8 .*, received 'caf\\udce9.jpg': rename it"),
    "name marked as UTF-8": (zip_with("猫").replace(CAT, b"\xb9\xb7a"), "cannot be unpacked: 'utf-8'"),
    "line break in a name": (zip_with("cats/a\rb.jpg"), r"without control characters, received 'cats/a\\rb.jpg'"),
    "huge name": (tar_of("long", type=tarfile.GNUTYPE_LONGNAME, size=2**30), f"1048576 bytes, received .* {2**30}"),
    "huge record": (tar_of("long", type=tarfile.XHDTYPE, size=-1), "1048576 bytes, received one of -1 in the archive"),
    "bomb": (zip_of({"cats/0.jpg": bytes(10_000_000)}), "an archive that expands over 100 times"),
    # Its damaged end is not reached.
    "compressed bomb": (gzip.compress(bytes(10_000_000))[:-9], "an archive that expands over 100 times"),
}


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_an_unusable_archive_is_refused(case: str) -> None:
    content, message = BAD_ARCHIVES[case]
    ARCHIVE.write_bytes(content)
    with pytest.raises(UserError, match=message):
        packed()


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("position", [0.2, 0.5, 0.8])
def test_a_compressed_tar_with_one_wrong_byte_is_refused(mode: Any, position: float) -> None:
    photos_by_name(30)
    write_tar(mode)
    content = bytearray(ARCHIVE.read_bytes())
    content[int(position * len(content))] ^= 1
    ARCHIVE.write_bytes(content)
    with pytest.raises(UserError, match=r"expected an? (intact|complete zip or tar) archive, received"):
        packed()


@pytest.mark.parametrize("change", ["cut between two photos", "a header damaged", "another behind it"])
def test_a_tar_without_its_end_is_refused(change: str) -> None:
    photos_by_name()
    write_tar()
    with tarfile.open(ARCHIVE) as archive:
        header = archive.getmembers()[3].offset
    start, end = ARCHIVE.read_bytes()[:header], ARCHIVE.read_bytes()[header:]
    changed = {"cut between two photos": start, "a header damaged": start + b"?" + end[1:]}
    changed["another behind it"] = 2 * (start + end)
    ARCHIVE.write_bytes(changed[change])
    with pytest.raises(UserError, match=r"cannot be unpacked: (its end is missing|bytes where its end should be)"):
        packed()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_the_same_files_are_the_same_shards(mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the archive, its order and its dates; and one more file changes one shard."""
    monkeypatch.setattr(archive, "MEAN_PHOTOS", 16)
    names = [f"{label}/{number}.txt" for label in "ab" for number in range(80)]
    ARCHIVE.write_bytes(zip_of({name: name.encode() for name in [*reversed(names), "a/400.txt"]}))
    PACKED.mkdir()
    pack_archive(ARCHIVE, PACKED)
    more = [path.read_bytes() for path in sorted(PACKED.iterdir())]
    with tarfile.open(ARCHIVE, mode) as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(name), 2**30
            tar.addfile(member, io.BytesIO(name.encode()))
    shutil.rmtree(PACKED)
    assert list(packed()) == sorted(names)
    shards = [path.read_bytes() for path in sorted(PACKED.iterdir())]
    assert len(shards) == len(more) > 5
    assert len(set(shards) - set(more)) == 1


def test_shards_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_PHOTOS", 3)
    monkeypatch.setattr(archive, "MAX_BYTES", 10)
    sizes = {"0": 1, "1": 1, "2": 1, "3": 1, "4": 9, "5": 2, "6": 20, "7": 1}
    ARCHIVE.write_bytes(zip_of({name: bytes(size) for name, size in sizes.items()}))
    assert list(packed()) == list(sizes)
    shards = [zipfile.ZipFile(path).namelist() for path in sorted(PACKED.iterdir())]
    assert shards == [["0", "1", "2"], ["3", "4"], ["5"], ["6"], ["7"]]


def test_the_progress_bar_ends_at_the_last_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(archive, "tqdm", lambda **options: tqdm(**{**options, "disable": False}))
    ARCHIVE.write_bytes(zip_with("a", "b", "c"))
    packed()
    assert "100%" in capsys.readouterr().err


def test_a_failing_disk_is_not_a_damaged_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    ARCHIVE.write_bytes(zip_of(photos_by_name()))
    monkeypatch.setattr(shutil, "copyfileobj", mock.Mock(side_effect=OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output error"):
        packed()
