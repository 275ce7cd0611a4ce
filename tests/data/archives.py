"""Archives, most of them bad."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import write_photos

UNPACKED = Path("unpacked")


def unpacked_files() -> dict[str, bytes]:
    return {path.relative_to(UNPACKED).as_posix(): path.read_bytes() for path in UNPACKED.rglob("*") if path.is_file()}


def photos_by_name() -> dict[str, bytes]:
    """Write four photos below photos/."""
    write_photos(Path("photos/cats"), 2)
    write_photos(Path("photos/dogs"), 2)
    return {path.as_posix(): path.read_bytes() for path in sorted(Path("photos").rglob("*.jpg"))}


def write_zip(archive: Path, members: dict[str, bytes]) -> Path:
    """Write a zip that is the same at any time: its headers say 1980."""
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in members.items():
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return archive


def write_page() -> Path:
    Path("page.zip").write_text("<!doctype html><p>Sign in</p>")
    return Path("page.zip")


def write_start_of_zip() -> Path:
    archive = write_zip(Path("start.zip"), photos_by_name())
    archive.write_bytes(archive.read_bytes()[:1000])
    return archive


def write_start_of_tar() -> Path:
    photos_by_name()
    with tarfile.open("start.tar", "w:gz") as archive:
        archive.add("photos")
    Path("start.tar").write_bytes(Path("start.tar").read_bytes()[:60])
    return Path("start.tar")


def write_damaged_zip() -> Path:
    archive = write_zip(Path("damaged.zip"), photos_by_name())
    content = bytearray(archive.read_bytes())
    content[100:110] = bytes(10)
    archive.write_bytes(content)
    return archive


def write_link_in_tar() -> Path:
    link = tarfile.TarInfo("cats/evil.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "../../../evil"
    with tarfile.open("link.tar", "w") as archive:
        archive.addfile(link, io.BytesIO())
    return Path("link.tar")


def write_link_in_zip() -> Path:
    link = zipfile.ZipInfo("cats/evil.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile("link.zip", "w") as archive:
        archive.writestr(link, "../../../evil")
    return Path("link.zip")


def write_name_twice() -> Path:
    with zipfile.ZipFile("twice.zip", "w") as archive:
        archive.writestr("cats/0.jpg", b"x")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("cats/0.jpg", b"y")
    return Path("twice.zip")


def write_latin_name() -> Path:
    with tarfile.open("latin.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("cats/caf\xe9.jpg"), io.BytesIO())
    return Path("latin.tar")


def write_long_name(kind: bytes, size: int) -> Path:
    """Write a tar whose first header says that a name of this size follows."""
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, size
    Path("long.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    return Path("long.tar")


def write_name_that_is_not_the_utf_8_it_is_marked_as() -> Path:
    archive = write_zip(Path("a.zip"), {"猫/0.jpg": b"x"})
    archive.write_bytes(archive.read_bytes().replace("猫".encode(), b"\xb9\xb7a"))
    return archive


def write_pointer() -> Path:
    Path("pointer.zip").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    return Path("pointer.zip")


def write_nothing() -> Path:
    Path("empty.zip").touch()
    return Path("empty.zip")


def write_tar_in_tar() -> Path:
    with tarfile.open("outer.tar", "w") as archive:
        archive.add(write_zip(Path("notes.txt"), {}))
        archive.addfile(tarfile.TarInfo("photos/Cats.TGZ"), io.BytesIO())
    return Path("outer.tar")


BAD_ARCHIVES = {
    "a Git LFS pointer": (write_pointer, "which is a Git LFS pointer: run `git lfs pull`$"),
    "an empty file": (write_nothing, "which is an empty file$"),
    "a zip inside the zip": (
        lambda: write_zip(Path("a.zip"), {"cats.zip": b"x", "dogs.zip": b"y", "labels.csv": b"z"}),
        "received a zip inside the zip, 'cats.zip': unpack both",
    ),
    "an archive inside the tar": (write_tar_in_tar, "received a tgz inside the tar, 'photos/Cats.TGZ'"),
    "a Windows path that climbs out": (
        lambda: write_zip(Path("a.zip"), {r"cats\0.jpg": b"x", r"..\evil.jpg": b"x"}),
        "'../evil.jpg', which leads out of it",
    ),
    "a web page": (
        write_page,
        "expected a zip or tar archive, received a file that starts with b'<!doctype html>.* is a web page",
    ),
    "a zip cut short": (write_start_of_zip, "expected a zip or tar archive, received a file that starts with b'PK"),
    "a damaged zip": (write_damaged_zip, "expected a whole archive, received one that cannot be unpacked: "),
    "a name that climbs out": (
        lambda: write_zip(Path("a.zip"), {"../evil.jpg": b"x"}),
        "'../evil.jpg', which leads out of it",
    ),
    "an absolute name": (
        lambda: write_zip(Path("a.zip"), {"/tmp/evil.jpg": b"x"}),  # noqa: S108 (nothing is written there)
        "'/tmp/evil.jpg', which leads out of it",
    ),
    "a link in a tar": (write_link_in_tar, "received the link or device 'cats/evil.jpg'"),
    "a link in a zip": (write_link_in_zip, "received the link or device 'cats/evil.jpg'"),
    "two files of one name": (write_name_twice, "expected one file of each name .*'cats/0.jpg' again"),
    "a file that is also a folder": (
        lambda: write_zip(Path("a.zip"), {"cats/0.jpg": b"x", "cats/0.jpg/a.jpg": b"x"}),
        "expected one file of each name .*'cats/0.jpg/a.jpg' again",
    ),
    "a name too long": (
        lambda: write_zip(Path("a.zip"), {f"cats/{'0' * 300}.jpg": b"x"}),
        "one that cannot be unpacked: .*File name too long",
    ),
    "a name that is not UTF-8": (
        write_latin_name,
        r"names in UTF-8 without control characters, received 'cats/caf\\udce9.jpg': rename it",
    ),
    "a name that only says that it is UTF-8": (
        write_name_that_is_not_the_utf_8_it_is_marked_as,
        "one that cannot be unpacked: 'utf-8' codec can't decode",
    ),
    "a line break in a name": (
        lambda: write_zip(Path("a.zip"), {"cats/a\rb.jpg": b"x"}),
        r"names in UTF-8 without control characters, received 'cats/a\\rb.jpg': rename it",
    ),
    "a name that would fill the memory": (
        lambda: write_long_name(tarfile.GNUTYPE_LONGNAME, 2**30),
        f"expected names of up to 1048576 bytes, received one of {2**30} in the archive",
    ),
    "a record that would fill the memory": (
        lambda: write_long_name(tarfile.XHDTYPE, -1),
        "expected names of up to 1048576 bytes, received one of -1 in the archive",
    ),
    "a compressed tar cut in its first header": (
        write_start_of_tar,
        "one that cannot be unpacked: Compressed file ended before",
    ),
    "a bomb": (
        lambda: write_zip(Path("a.zip"), {"cats/0.jpg": bytes(10_000_000)}),
        "received an archive that expands over 100 times",
    ),
}
