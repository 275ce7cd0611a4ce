import importlib.util
import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
import pytest
from PIL import Image

from stages.photos import decode
from stages.photos.decode import UnreadablePhotoError, open_photo, resized_pixels, thumbnail


def test_a_turned_photo_is_set_upright(tmp_path: Path) -> None:
    photo = Image.new("RGB", (20, 10), "black")
    photo.paste("white", (0, 0, 10, 10))
    exif = photo.getexif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise to see it
    photo.save(tmp_path / "a.png", exif=exif)
    upright = open_photo(tmp_path / "a.png")
    assert upright.size == (10, 20)
    assert (upright.getpixel((5, 2)), upright.getpixel((5, 17))) == ((255, 255, 255), (0, 0, 0))


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90)
RED = (200, 30, 40)


def save_red(path: Path, mode: str, **options: Any) -> None:
    """Save a red picture, or a grey one for a mode without colours."""
    red = Image.new("RGB", (20, 30), RED)
    (red.quantize() if mode == "P" else red.convert(mode)).save(path, **options)


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("a.jpg", "RGB", {"quality": 95}),
        ("a.jpg", "CMYK", {"quality": 95}),
        ("a.png", "P", {}),
        ("a.png", "RGBA", {}),
        ("a.webp", "RGB", {"lossless": True}),
        ("a.tiff", "RGB", {}),
        ("a.tiff", "CMYK", {}),
        ("a.bmp", "RGB", {}),
        ("a.gif", "P", {}),
        ("a.avif", "RGB", {"quality": 95}),
        ("a.mpo", "RGB", {"quality": 95}),
    ],
)
def test_a_red_photo_is_red_in_any_format(tmp_path: Path, name: str, mode: str, options: dict[str, Any]) -> None:
    save_red(tmp_path / name, mode, **options)
    pixels = np.asarray(open_photo(tmp_path / name)).astype(int)
    assert pixels.shape == (30, 20, 3)
    assert np.abs(pixels - RED).max() <= 6


def test_grey_stays_grey_and_transparent_turns_white(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 77).save(tmp_path / "grey.jpg")
    assert (np.asarray(open_photo(tmp_path / "grey.jpg")) == 77).all()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (np.asarray(open_photo(tmp_path / "clear.png")) == 255).all()
    Image.new("LA", (4, 4), (0, 0)).save(tmp_path / "clear grey.png")
    assert (np.asarray(open_photo(tmp_path / "clear grey.png")) == 255).all()


def test_a_colour_of_a_palette_that_stands_for_transparent_turns_white(tmp_path: Path) -> None:
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    picture.putpalette([0, 0, 0, *RED])
    picture.save(tmp_path / "a.png", transparency=0)
    assert np.asarray(open_photo(tmp_path / "a.png")).tolist() == [[[255, 255, 255], list(RED)]]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_of_an_animation_the_first_frame_counts(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("white", "black")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    assert (np.asarray(open_photo(tmp_path / name)) == 255).all()


def test_pixels_without_a_known_range_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(UnreadablePhotoError, match=r"^cannot be decoded: its pixels are 32-bit numbers \(mode F\)"):
        open_photo(tmp_path / "a.tiff")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jpg", b"no photo", "cannot be decoded: is a text file"),
        (
            "a.jpg",
            HEIC,
            "cannot be decoded: HEIC needs pillow-heif: save it as JPEG, or pip install pillow-heif, "
            "and for the pipeline `dvc repro --force split && dvc repro`",  # as DVC does not see the package
        ),
        ("a.eps", b"%!PS-Adobe-3.0", "cannot be decoded: EPS is not among the formats that are read: save it as JPEG"),
        ("missing.jpg", None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_photo_says_why(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadablePhotoError) as error:
        resized_pixels(tmp_path / name, (4, 4))
    assert str(error.value) == reason


def test_with_pillow_heif_heic_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def register_heif_opener() -> None:
        monkeypatch.setitem(Image.OPEN, "HEIF", (open_heic, is_heic))
        monkeypatch.setitem(Image.EXTENSION, ".heic", "HEIF")

    def open_heic(file: BinaryIO, _: str) -> Image.Image:
        return Image.open(BytesIO(file.read()[len(HEIC) :]))

    def is_heic(header: bytes) -> bool:
        return header[4:12] == b"ftypheic"

    stand_in = ModuleType("pillow_heif")
    monkeypatch.setattr(stand_in, "register_heif_opener", register_heif_opener, raising=False)
    monkeypatch.setitem(sys.modules, "pillow_heif", stand_in)
    spec = importlib.util.spec_from_file_location("decode_with_heif", decode.__file__)
    assert spec
    assert spec.loader
    decode_with_heif = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(decode_with_heif)
    picture = BytesIO()
    Image.new("RGB", (5, 4)).save(picture, "PNG")
    assert decode_with_heif.open_photo(HEIC + picture.getvalue()).size == (5, 4)
    assert ".heic" in decode_with_heif.SUFFIXES


def save_large(path: Path) -> Path:
    shades = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(shades).resize((640, 480)).save(path)
    return path


def test_a_large_jpeg_is_decoded_at_a_reduced_size_without_a_visible_difference(tmp_path: Path) -> None:
    path = save_large(tmp_path / "a.jpg")
    assert open_photo(path).size == (640, 480)
    assert open_photo(path, shrink_to=20).size == (160, 120)
    whole = open_photo(path).resize((20, 15), Image.Resampling.BILINEAR)
    assert np.abs(resized_pixels(path, (15, 20)).astype(int) - np.asarray(whole)).max() <= 1


def test_a_thumbnail_is_small_and_keeps_its_proportions(tmp_path: Path) -> None:
    Image.new("RGB", (1200, 20)).save(tmp_path / "a.png")
    assert thumbnail(tmp_path / "a.png").size == (512, 9)
