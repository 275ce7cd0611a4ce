"""Any image file becomes RGB pixels, or says why not; what a stranger's file may not do."""

import errno
import os
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from stages.common.cli import UserError
from stages.common.param_types import ImageFit
from stages.photos import decode
from stages.photos.decode import PAD_COLOUR, UnreadablePhotoError, load_pixels, open_photo, resized_pixels
from stages.photos.formats import BANDS
from tests.conftest import PROJECT

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90)
RED = (200, 30, 40)


def save_red(path: Path, mode: str, **options: Any) -> None:
    """Save a red image, or a grey one for a mode without colours."""
    red = Image.new("RGB", (20, 30), RED)
    (red.quantize() if mode == "P" else red.convert(mode)).save(path, **options)


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        *[("a.jpg", mode, {"quality": 95}) for mode in ("RGB", "CMYK")],
        *[("a.png", mode, {}) for mode in ("P", "RGBA")],
        ("a.webp", "RGB", {"lossless": True}),
        *[("a.tiff", mode, {}) for mode in ("RGB", "CMYK", "YCbCr")],
        *[("a.bmp", mode, {}) for mode in ("RGB", "P")],
        ("a.gif", "P", {}),
        *[(name, "RGB", {"quality": 95}) for name in ("a.avif", "a.mpo")],
    ],
)
def test_a_red_photo_is_red_in_any_format(tmp_path: Path, name: str, mode: str, options: dict[str, Any]) -> None:
    save_red(tmp_path / name, mode, **options)
    pixels = np.asarray(open_photo(tmp_path / name)).astype(int)
    assert pixels.shape == (30, 20, 3)
    assert np.abs(pixels - RED).max() <= 6


@pytest.mark.parametrize(
    ("mode", "colour", "name", "grey"),
    [("L", 77, "a.jpg", 77), ("RGBA", (0, 0, 0, 0), "a.png", 255), ("LA", (0, 0), "a.png", 255)],
)
def test_grey_stays_grey_and_transparent_is_white(tmp_path: Path, mode: str, colour: Any, name: str, grey: int) -> None:
    Image.new(mode, (4, 4), colour).save(tmp_path / name)
    assert (np.asarray(open_photo(tmp_path / name)) == grey).all()


def test_a_transparent_colour_of_a_palette_turns_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([0, 0, 0, *RED])
    image.save(tmp_path / "a.png", transparency=0)
    image.putalpha(Image.fromarray(np.array([[0, 255]], np.uint8)))
    image.save(tmp_path / "a.tif")
    for name in ("a.png", "a.tif"):
        assert np.asarray(open_photo(tmp_path / name)).tolist() == [[[255, 255, 255], list(RED)]]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_is_decoded_to_its_first_frame(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("white", "black")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    assert (np.asarray(open_photo(tmp_path / name)) == 255).all()
    assert open_photo(tmp_path / name).info[decode.MORE_FRAMES]


FAKE_HEIF = """
from io import BytesIO
from PIL import Image

def register_heif_opener():
    png_of = lambda file: BytesIO(file.read()[114:])
    Image.register_open("HEIF", lambda file, _: Image.open(png_of(file)), lambda start: start[4:12] == b"ftypheic")
    Image.register_extension("HEIF", ".heic")
"""
OPEN_HEIC = """
from stages.photos import decode, formats
print(decode.open_photo("a.heic").size, ".heic" in formats.SUFFIXES)
"""


def test_heic_is_read_with_pillow_heif(tmp_path: Path) -> None:
    (tmp_path / "pillow_heif.py").write_text(FAKE_HEIF)
    Image.new("RGB", (5, 4)).save(tmp_path / "a.png")
    (tmp_path / "a.heic").write_bytes(HEIC + (tmp_path / "a.png").read_bytes())
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", OPEN_HEIC]
    assert subprocess.check_output(command, cwd=tmp_path, env=environment, text=True) == "(5, 4) True\n"
    for brand in (b"heic", b"mif1"):  # the latter is also that of many an AVIF
        (tmp_path / "a.heic").write_bytes(HEIC.replace(b"ftypheic", b"ftyp" + brand))
        for source in (tmp_path / "a.heic", (tmp_path / "a.heic").read_bytes()):
            with pytest.raises(UnreadablePhotoError, match=r"HEIC needs pillow-heif: save it .*, or pip .*-item thumb"):
                open_photo(source)


BILINEAR = Image.Resampling.BILINEAR
R, G, B, W = (200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 200)
P = PAD_COLOUR


@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize(
    ("image_fit", "image_size", "rows"),
    [
        ("stretch", (2, 4), [[R, G, B, W]] * 2),
        ("stretch", (4, 4), [[R, G, B, W]] * 4),
        ("crop", (2, 2), [[G, B]] * 2),
        ("crop", (2, 4), [[R, G, B, W]] * 2),
        ("pad", (4, 4), [[P] * 4, [R, G, B, W], [R, G, B, W], [P] * 4]),
        ("pad", (2, 8), [[P, P, R, G, B, W, P, P]] * 2),
        ("pad", (2, 4), [[R, G, B, W]] * 2),
    ],
)
def test_a_wide_photo_is_stretched_cropped_or_padded(
    tmp_path: Path, image_fit: ImageFit, image_size: tuple[int, int], rows: list[Any], upright: bool
) -> None:
    """After it is turned as EXIF says."""
    photo, exif = Image.fromarray(np.array([[R, G, B, W]] * 2, np.uint8)), Image.Exif()
    if not upright:
        photo, exif[ExifTags.Base.Orientation] = photo.transpose(Image.Transpose.ROTATE_90), 6
    photo.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(resized_pixels(tmp_path / "a.png", image_size, image_fit), np.array(rows))


@pytest.mark.parametrize("image_fit", get_args(ImageFit))
@pytest.mark.parametrize("size", [(1000, 1), (1, 1000), (16, 1), (2, 24), (7, 3), (1, 1)])
def test_a_photo_of_any_shape_fits(tmp_path: Path, image_fit: ImageFit, size: tuple[int, int]) -> None:
    Image.new("RGB", size, RED).save(tmp_path / "a.png")
    pixels = resized_pixels(tmp_path / "a.png", (6, 8), image_fit)
    assert pixels.shape == (6, 8, 3)
    colours = set(map(tuple, pixels.reshape(-1, 3).tolist()))
    assert RED in colours
    assert colours <= ({RED, P} if image_fit == "pad" else {RED})


@pytest.mark.parametrize("size", [(640, 480), (1920, 480), (480, 1920)])
@pytest.mark.parametrize("image_fit", get_args(ImageFit))
def test_a_large_jpeg_is_resized_from_enough_pixels(tmp_path: Path, image_fit: ImageFit, size: tuple[int, int]) -> None:
    """Decoded at a quarter, its shorter side still has four times the longer one of the image size."""
    path = tmp_path / "a.jpg"
    shades = np.random.default_rng(0).integers(0, 256, (size[1] // 80, size[0] // 80, 3), np.uint8)
    Image.fromarray(shades).resize(size).save(path)
    full = open_photo(path)
    assert (full.size, min(open_photo(path, shrink_to=20).size)) == (size, 120)
    fits = {"stretch": full.resize((20, 15), BILINEAR), "crop": ImageOps.fit(full, (20, 15), BILINEAR)}
    expected = np.asarray(fits.get(image_fit, ImageOps.pad(full, (20, 15), BILINEAR, P)))
    assert np.abs(resized_pixels(path, (15, 20), image_fit).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("function", ["io.open", "PIL.Image.open"])
@pytest.mark.parametrize("error", [*(OSError(code, "") for code in (errno.EIO, errno.EMFILE)), MemoryError()])
def test_failures_of_the_machine_are_not_the_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: Exception
) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    monkeypatch.setattr(function, mock.Mock(side_effect=error))
    with pytest.raises(type(error)) as raised:
        open_photo(tmp_path / "a.jpg")
    assert raised.value is error


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "No"), OSError(errno.ELOOP, "Loop"), None])
def test_a_forbidden_or_missing_file_is_unreadable(monkeypatch: pytest.MonkeyPatch, error: OSError | None) -> None:
    if error:
        monkeypatch.setattr("io.open", mock.Mock(side_effect=error))
    reason = error.strerror if error else "No such file or directory"
    with pytest.raises(UnreadablePhotoError, match=f"^cannot be read: {reason}$"):
        open_photo("a.jpg")


def test_a_photo_above_the_limit_is_refused_undecoded(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "a.bmp")
    assert open_photo(tmp_path / "a.bmp", max_megapixels=0.01).size == (100, 100)
    header = (tmp_path / "a.bmp").read_bytes()[:54]
    (tmp_path / "a.bmp").write_bytes(header[:18] + (60_000).to_bytes(4, "little") * 2 + header[26:])
    with pytest.raises(UnreadablePhotoError, match=r"^has 3600 megapixels, above the limit of 120 \(split.max_mega"):
        open_photo(tmp_path / "a.bmp", max_megapixels=120)


@pytest.mark.parametrize(("start", "reason"), [(b"\xff\xd8\xff", "is larger than any photo"), (b"", "zero bytes")])
def test_only_the_start_of_a_huge_file_is_read(tmp_path: Path, start: bytes, reason: str) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.write(start)
        file.truncate(2**40)
    with pytest.raises(UnreadablePhotoError, match=reason):
        open_photo(tmp_path / "a.jpg", max_megapixels=120)


def test_decoders_are_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    warnings.simplefilter("error")
    decode.silence_decoders()  # again, after that
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", exif=exif)
    open_photo(tmp_path / "a.jpg")
    Image.new("RGB", (40, 40)).save(tmp_path / "a.tiff", compression="tiff_adobe_deflate")
    damaged = bytearray((tmp_path / "a.tiff").read_bytes())
    damaged[8:20] = bytes(12)  # where its pixels start
    with pytest.raises(UnreadablePhotoError):
        open_photo(bytes(damaged))
    Image.new("RGB", (4, 4)).save(tmp_path / "b.tiff")
    three, nine = (struct.pack("<HHIH", BANDS, 3, 1, bands) for bands in (3, 9))
    with pytest.raises(UnreadablePhotoError):
        open_photo((tmp_path / "b.tiff").read_bytes().replace(three, nine))
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_a_photo_that_can_no_longer_be_read_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("damaged since")
    with pytest.raises(UserError, match=r"a.jpg: cannot be decoded: is a text file: run `dvc repro --force"):
        load_pixels([str(path)], (4, 4))
