"""What a stranger's file may not do, and what a failing machine may not be taken for."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from stages.photos import decode
from stages.photos.decode import UnreadablePhotoError, open_photo


def test_a_program_that_draws_a_strangers_file_is_never_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    with pytest.raises(UnreadablePhotoError):
        open_photo(tmp_path / "a.eps")
    assert not (tmp_path / "started").exists()


def fail(error: BaseException) -> Callable[..., Any]:
    def call(*_args: Any, **_options: Any) -> Any:
        raise error

    return call


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ENOMEM])
def test_a_file_that_the_machine_fails_to_read_is_no_bad_photo(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr("io.open", fail(OSError(code, "the machine")))
    with pytest.raises(OSError, match="the machine"):
        open_photo("a.jpg")


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "Too many open files")])
def test_nor_is_one_that_the_machine_fails_to_hold(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(Image, "open", fail(error))
    with pytest.raises(type(error)):
        open_photo(b"a photo")


@pytest.mark.parametrize(
    ("error", "reason"),
    [(PermissionError(errno.EACCES, "Permission denied"), "Permission denied"), (OSError(errno.ELOOP, "Loop"), "Loop")],
)
def test_a_forbidden_file_and_a_link_to_itself_are_unreadable(
    monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    monkeypatch.setattr("io.open", fail(error))
    with pytest.raises(UnreadablePhotoError, match=f"^cannot be read: {reason}$"):
        open_photo("a.jpg")


def test_a_photo_above_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "a.bmp")
    header = (tmp_path / "a.bmp").read_bytes()[:54]
    (tmp_path / "a.bmp").write_bytes(header[:18] + (60_000).to_bytes(4, "little") * 2 + header[26:])
    with pytest.raises(UnreadablePhotoError, match=r"^has 3600 megapixels, above the limit of 120 \(split.max_mega"):
        open_photo(tmp_path / "a.bmp", max_megapixels=120)


def test_an_uncompressed_photo_at_the_limit_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "a.bmp")
    assert open_photo(tmp_path / "a.bmp", max_megapixels=0.01).size == (100, 100)


@pytest.mark.parametrize(("start", "reason"), [(b"\xff\xd8\xff", "is larger than any photo"), (b"", "zero bytes")])
def test_a_file_of_many_gigabytes_is_not_read_whole(tmp_path: Path, start: bytes, reason: str) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.write(start)
        file.truncate(2**40)
    with pytest.raises(UnreadablePhotoError, match=reason):
        open_photo(tmp_path / "a.jpg", max_megapixels=120)


def test_decoders_are_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    decode.silence_decoders()  # again: pytest makes warnings errors
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", exif=exif)
    open_photo(tmp_path / "a.jpg")
    Image.new("RGB", (40, 40)).save(tmp_path / "a.tiff", compression="tiff_adobe_deflate")
    damaged = bytearray((tmp_path / "a.tiff").read_bytes())
    damaged[8:20] = bytes(12)  # where its pixels start
    with pytest.raises(UnreadablePhotoError):
        open_photo(bytes(damaged))
    assert capfd.readouterr() == ("", "")
