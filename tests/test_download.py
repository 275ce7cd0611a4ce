import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from stages import download
from stages.common.paths import BACKBONE, RAW
from stages.common.program import UserError
from tests.conftest import CNN_ALONE, write_photos

SetParams = Callable[[dict[str, Any]], None]


@pytest.fixture
def photos(workspace: Path, set_params: SetParams) -> Path:
    """A folder of photos that params.yaml names, and no backbone."""
    write_photos(workspace / "photos/cats", 2)
    write_photos(workspace / "photos/dogs", 2)
    set_params({"download.photos": "photos", **CNN_ALONE})
    return workspace / "photos"


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def zip_folder(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as target:
        for name in files_below(folder):
            target.write(folder / name, f"enclosing/{name}")


def zip_bytes(archive: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)


def test_a_folder_is_copied(photos: Path) -> None:
    download.main()
    assert files_below(RAW) == files_below(photos)
    assert files_below(BACKBONE) == ["mobilenet_v2/none", "none"]


@pytest.mark.usefixtures("hurry")
def test_a_folder_whose_files_fail_for_a_while_arrives_all_the_same(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([TimeoutError("busy"), ConnectionError("reset")])
    get_file = LocalFileSystem.get_file

    def get_some(*arguments: Any, **options: Any) -> None:
        for error in failures:
            raise error
        get_file(*arguments, **options)

    monkeypatch.setattr(LocalFileSystem, "get_file", get_some)
    download.main()
    assert files_below(RAW) == files_below(photos)


@pytest.mark.usefixtures("hurry")
def test_a_file_that_one_may_not_read_is_not_tried_again(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def refuse(self: LocalFileSystem, path: str, *_: Any, **__: Any) -> None:
        tries.append(path)
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(LocalFileSystem, "get_file", refuse)
    with pytest.raises(UserError, match=r"^download.photos: cannot fetch .*cats/0.jpg: .*Permission denied"):
        download.main()
    assert len(tries) == 1
    assert not any(Path("data").iterdir())


def test_a_zip_is_unpacked_byte_for_byte(photos: Path, set_params: SetParams) -> None:
    zip_folder(photos, Path("photos.zip"))
    set_params({"download.photos": "photos.zip"})
    download.main()
    for name in files_below(photos):
        assert (RAW / "enclosing" / name).read_bytes() == (photos / name).read_bytes()


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked(photos: Path, set_params: SetParams, kind: Any) -> None:
    with tarfile.open("photos.tar", kind) as archive:
        archive.add(photos, "enclosing")
    set_params({"download.photos": "photos.tar"})
    download.main()
    assert files_below(RAW) == [f"enclosing/{name}" for name in files_below(photos)]


def test_hidden_files_are_left_out_and_counted(
    photos: Path, set_params: SetParams, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    zip_bytes(Path("a.zip"), {"cats/.DS_Store": b"", "__MACOSX/cats/._0.jpg": b"", "cats/0.jpg": b"x"})
    set_params({"download.photos": "a.zip"})
    download.main()
    assert files_below(RAW) == ["cats/0.jpg"]
    assert "left out 2 hidden files" in caplog.text


def test_odd_names_are_kept(photos: Path, set_params: SetParams) -> None:
    names = ["cats/a b.jpg", 'cats/it\'s "so".jpg', "cats/new\nline.jpg", "cats/猫.jpg", "cats/$(true);.jpg"]
    zip_bytes(Path("a.zip"), dict.fromkeys(names, b"x"))
    set_params({"download.photos": "a.zip"})
    download.main()
    assert files_below(RAW) == sorted(names)


def test_the_backbone_keeps_its_name(photos: Path, set_params: SetParams) -> None:
    Path("w.weights.h5").write_bytes(b"weights")
    set_params({"download.backbone": "w.weights.h5"})
    download.main()
    assert (BACKBONE / "mobilenet_v2/w.weights.h5").read_bytes() == b"weights"


def test_a_right_hash_passes_in_any_step_after(photos: Path, set_params: SetParams) -> None:
    zip_folder(photos, Path("photos.zip"))
    sha256 = hashlib.sha256(Path("photos.zip").read_bytes()).hexdigest()
    set_params({"download.photos": "photos.zip", "download.photos_sha256": sha256})
    download.main()
    assert RAW.is_dir()


def bad_inputs() -> dict[str, tuple[dict[str, Any], str]]:
    return {
        "a file that is not there": ({"photos": "nowhere.zip"}, "download.photos: .*'nowhere.zip', found none"),
        "a server that is down": (
            {"photos": "http://127.0.0.1:9/a.zip"},
            "download.photos: cannot fetch http://127.0.0.1:9/a.zip: .*local path, or see `make demo`",
        ),
        "a protocol nobody knows": ({"photos": "gopher2://a/b.zip"}, "download.photos: .*'gopher2://a/b.zip'"),
        "no archive": ({"photos": "page.zip"}, "download.photos: expected a zip or tar archive, .*'<!doctype html>"),
        "a damaged archive": (
            {"photos": "damaged.zip"},
            "expected a whole archive, received one that cannot be unpacked: ",
        ),
        "another file": (
            {"photos": "good.zip", "photos_sha256": "0" * 64},
            "photos_sha256: expected 0{64}, received [0-9a-f]{64}: ",
        ),
        "a hash of a folder": ({"photos_sha256": "0" * 64}, "photos_sha256: expected null for a folder"),
        "a name that climbs out": ({"photos": "climbs.zip"}, "'../evil.jpg', which leads out of it"),
        "an absolute name": ({"photos": "absolute.zip"}, "'/tmp/evil.jpg', which leads out of it"),
        "a link": ({"photos": "link.tar"}, "received the link or device 'cats/evil.jpg'"),
        "a link in a zip": ({"photos": "link.zip"}, "received the link or device 'cats/evil.jpg'"),
        "two files of a name": ({"photos": "twice.zip"}, "expected one file for a name .*'cats/0.jpg' again"),
        "a file that is a folder": ({"photos": "both.zip"}, "expected one file for a name .*'cats/0.jpg/a.jpg' again"),
        "a name too long": ({"photos": "long.zip"}, "one that cannot be unpacked: .*File name too long"),
        "a name that is not UTF-8": (
            {"photos": "latin.tar"},
            r"names in UTF-8, received 'cats/caf\\udce9.jpg': rename",
        ),
        "a folder with such a name": ({"photos": "latin"}, r"names in UTF-8, received 'caf\\udce9.jpg': rename it"),
        "a link to a folder": (
            {"photos": "linked"},
            "received .*linked/cats, a link to a folder: put the folder there",
        ),
        "a link to nothing": ({"photos": "dangling"}, "expected a file or folder at .*dangling/0.jpg', found none"),
        "a bomb": ({"photos": "bomb.zip"}, "unpacks to 100 times its size"),
        "no weights file": ({"backbone": "page.zip"}, "download.backbone: expected a Keras weights file"),
        "no weights there": ({"backbone": "nowhere.h5"}, "download.backbone: .*'nowhere.h5', found none"),
    }


@pytest.fixture
def bad_archives(photos: Path) -> None:
    zip_bytes(Path("good.zip"), {"cats/0.jpg": b"x"})
    Path("page.zip").write_text("<!doctype html><p>Sign in</p>")
    zip_folder(photos, Path("damaged.zip"))
    content = bytearray(Path("damaged.zip").read_bytes())
    content[100:110] = bytes(10)
    Path("damaged.zip").write_bytes(content)
    zip_bytes(Path("climbs.zip"), {"../evil.jpg": b"x"})
    zip_bytes(Path("absolute.zip"), {"/tmp/evil.jpg": b"x"})  # noqa: S108 (nothing is written there)
    with tarfile.open("link.tar", "w") as archive:
        link = tarfile.TarInfo("cats/evil.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "../../../evil"
        archive.addfile(link, io.BytesIO())
    with zipfile.ZipFile("link.zip", "w") as target:
        member = zipfile.ZipInfo("cats/evil.jpg")
        member.external_attr = 0o120777 << 16
        target.writestr(member, "../../../evil")
    with zipfile.ZipFile("twice.zip", "w") as target:
        target.writestr("cats/0.jpg", b"x")
        with pytest.warns(UserWarning, match="Duplicate name"):
            target.writestr("cats/0.jpg", b"y")
    zip_bytes(Path("bomb.zip"), {"cats/0.jpg": bytes(10_000_000)})
    zip_bytes(Path("both.zip"), {"cats/0.jpg": b"x", "cats/0.jpg/a.jpg": b"x"})
    zip_bytes(Path("long.zip"), {f"cats/{'0' * 300}.jpg": b"x"})
    with tarfile.open("latin.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("cats/caf\xe9.jpg"), io.BytesIO())
    for folder in ("latin", "linked", "dangling"):
        Path(folder).mkdir()
    Path("latin/caf\udce9.jpg").touch()
    Path("linked/cats").symlink_to(photos / "cats")
    Path("dangling/0.jpg").symlink_to("nowhere.jpg")


@pytest.mark.parametrize("case", bad_inputs())
@pytest.mark.usefixtures("bad_archives", "hurry")
def test_bad_input_is_one_line_and_leaves_nothing_and_the_next_run_works(
    photos: Path, set_params: SetParams, case: str
) -> None:
    changes, message = bad_inputs()[case]
    set_params({f"download.{key}": value for key, value in changes.items()})
    with pytest.raises(UserError, match=message) as error:
        download.main()
    assert "\n" not in str(error.value)
    assert not Path("data").exists() or not any(Path("data").iterdir())

    set_params({"download.photos": "photos", "download.photos_sha256": None, **CNN_ALONE})
    download.main()
    assert files_below(RAW) == files_below(photos)


@pytest.mark.parametrize("kind", ["w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_compressed_tar_with_one_wrong_byte_is_refused(
    workspace: Path, set_params: SetParams, kind: Any, place: float
) -> None:
    write_photos(Path("photos/cats"), 60)
    with tarfile.open("photos.tar", kind) as archive:
        archive.add("photos")
    content = bytearray(Path("photos.tar").read_bytes())
    content[int(place * len(content))] ^= 1
    Path("photos.tar").write_bytes(content)
    set_params({"download.photos": "photos.tar", **CNN_ALONE})
    with pytest.raises(UserError, match=r"expected a (whole|zip or tar) archive, received"):
        download.main()
    assert not any(Path("data").iterdir())


@pytest.mark.parametrize("change", ["cut between two photos", "a header damaged", "another behind it"])
def test_a_tar_that_does_not_end_where_its_photos_do_is_refused(
    photos: Path, set_params: SetParams, change: str
) -> None:
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
    set_params({"download.photos": "photos.tar"})
    with pytest.raises(UserError, match=r"cannot be unpacked: (its end is missing|bytes where its end should be)"):
        download.main()


def test_names_that_differ_only_in_case_are_both_kept_or_refused(photos: Path, set_params: SetParams) -> None:
    zip_bytes(Path("a.zip"), {"cats/a.jpg": b"small", "cats/A.jpg": b"large"})
    set_params({"download.photos": "a.zip"})
    try:
        download.main()
    except UserError as error:  # on a disk that takes the two for one
        assert "expected one file for a name (in any case)" in str(error)  # noqa: PT017
    else:
        assert (RAW / "cats/a.jpg").read_bytes() + (RAW / "cats/A.jpg").read_bytes() == b"smalllarge"
