from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stages.photos.decode import UnreadablePhotoError, open_photo, resized_pixels


def test_a_turned_photo_is_set_upright(tmp_path: Path) -> None:
    photo = Image.new("RGB", (20, 10), "black")
    photo.paste("white", (0, 0, 10, 10))
    exif = photo.getexif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise to see it
    photo.save(tmp_path / "a.png", exif=exif)
    upright = open_photo(tmp_path / "a.png")
    assert upright.size == (10, 20)
    assert (upright.getpixel((5, 2)), upright.getpixel((5, 17))) == ((255, 255, 255), (0, 0, 0))


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
    ],
)
def test_a_red_photo_is_red_in_any_format(tmp_path: Path, name: str, mode: str, options: dict[str, Any]) -> None:
    save_red(tmp_path / name, mode, **options)
    pixels = np.asarray(open_photo(tmp_path / name)).astype(int)
    assert pixels.shape == (30, 20, 3)
    assert np.abs(pixels - RED).max() <= 6


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, name: str) -> None:
    Image.fromarray(np.full((4, 4), 0x80FF, np.uint16)).save(tmp_path / name)
    assert (np.asarray(open_photo(tmp_path / name)) == 0x80).all()


def test_grey_stays_grey_and_transparent_turns_white(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 77).save(tmp_path / "grey.jpg")
    assert (np.asarray(open_photo(tmp_path / "grey.jpg")) == 77).all()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (np.asarray(open_photo(tmp_path / "clear.png")) == 255).all()
    Image.new("LA", (4, 4), (0, 0)).save(tmp_path / "clear grey.png")
    assert (np.asarray(open_photo(tmp_path / "clear grey.png")) == 255).all()


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
        ("a.jpg", b"no photo", "cannot be decoded: cannot identify image file"),
        ("a.HEIC", b"", "cannot be decoded: HEIC is not supported: save it as JPEG"),
        ("missing.jpg", None, "cannot be decoded: [Errno 2] No such file or directory:"),
    ],
)
def test_a_file_that_is_no_photo_says_why(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadablePhotoError) as error:
        resized_pixels(tmp_path / name, (4, 4))
    assert str(error.value) == reason
