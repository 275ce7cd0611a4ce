import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stages.common.program import UserError
from stages.intake.archive import unpack
from tests.conftest import write_photos

pytestmark = pytest.mark.usefixtures("workspace")

UNPACKED = Path("unpacked")


def unpacked_files() -> dict[str, bytes]:
    return {path.relative_to(UNPACKED).as_posix(): path.read_bytes() for path in UNPACKED.rglob("*") if path.is_file()}


def photos_by_name() -> dict[str, bytes]:
    """Write four photos below photos/."""
    write_photos(Path("photos/cats"), 2)
    write_photos(Path("photos/dogs"), 2)
    return {path.as_posix(): path.read_bytes() for path in Path("photos").rglob("*.jpg")}


def write_zip(archive: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return archive


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
    members = {"cats/.DS_Store": b"", "__MACOSX/cats/._0.jpg": b"", "cats/Thumbs.db": b"", "cats/0.jpg": b"x"}
    unpack(write_zip(Path("a.zip"), members), UNPACKED)
    assert unpacked_files() == {"cats/0.jpg": b"x"}
    assert "left out 3 hidden files" in caplog.text


def test_unusual_names_are_kept() -> None:
    names = ["cats/a b.jpg", 'cats/it\'s "so".jpg', "cats/new\nline.jpg", "cats/猫.jpg", "cats/$(true);.jpg"]
    unpack(write_zip(Path("a.zip"), dict.fromkeys(names, b"x")), UNPACKED)
    assert unpacked_files() == dict.fromkeys(names, b"x")


def write_page() -> Path:
    Path("page.zip").write_text("<!doctype html><p>Sign in</p>")
    return Path("page.zip")


def write_start_of_zip() -> Path:
    archive = write_zip(Path("start.zip"), photos_by_name())
    archive.write_bytes(archive.read_bytes()[:1000])
    return archive


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


BAD_ARCHIVES = {
    "a web page": (write_page, "expected a zip or tar archive, received a file that starts with b'<!doctype html>"),
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
    "a name that is not UTF-8": (write_latin_name, r"names in UTF-8, received 'cats/caf\\udce9.jpg': rename it"),
    "a bomb": (
        lambda: write_zip(Path("a.zip"), {"cats/0.jpg": bytes(10_000_000)}),
        "received an archive that expands over 100 times",
    ),
}


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
