from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages.common.program import UserError
from stages.photos.arrays import MemoryBudget, load_pixels
from stages.photos.decode import open_photo
from stages.photos.lists import class_names, majority_class_accuracy, read_split


def test_pixels_are_resized_to_height_and_width(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), (10, 20, 30)).save(tmp_path / "a.png")
    pixels = load_pixels([str(tmp_path / "a.png")], (6, 8), MemoryBudget(1))
    assert pixels.shape == (1, 6, 8, 3)
    assert pixels.dtype == np.uint8
    assert (pixels[np.arange(1)] == [10, 20, 30]).all()


def test_photos_stay_in_the_order_of_their_paths(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{shade}.png") for shade in range(0, 250, 5)]
    for shade, path in zip(range(0, 250, 5), paths, strict=True):
        Image.new("L", (5, 5), shade).save(path)
    pixels = load_pixels(paths, (1, 1), MemoryBudget(1))[np.arange(50)]
    assert pixels.ravel().tolist() == [shade for shade in range(0, 250, 5) for _ in "RGB"]


def test_a_turned_photo_is_set_upright(tmp_path: Path) -> None:
    photo = Image.new("RGB", (20, 10), "black")
    photo.paste("white", (0, 0, 10, 10))
    exif = photo.getexif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise to see it
    photo.save(tmp_path / "a.png", exif=exif)
    upright = open_photo(tmp_path / "a.png")
    assert upright.size == (10, 20)
    assert (upright.getpixel((5, 2)), upright.getpixel((5, 17))) == ((255, 255, 255), (0, 0, 0))


def test_classes_count_by_name() -> None:
    assert class_names(["dogs", "cats", "dogs", "ants"]) == ["ants", "cats", "dogs"]


def test_guessing_takes_the_commonest_class_of_training_whatever_is_tested() -> None:
    train, test = (pd.DataFrame({"label": ["cats"] * cats + ["dogs"] * dogs}) for cats, dogs in [(60, 40), (10, 30)])
    assert majority_class_accuracy(train, test) == 0.25


def test_a_missing_list_is_one_line(workspace: Path) -> None:
    with pytest.raises(UserError, match=r"expected the list data/splits/train.csv, found none: run `dvc repro split`"):
        read_split("train")


def test_a_label_that_looks_like_nothing_is_still_a_label(workspace: Path) -> None:
    Path("data/splits").mkdir(parents=True)
    Path("data/splits/train.csv").write_text("path,label\na.jpg,NA\nb.jpg,1\n")
    assert list(read_split("train")["label"]) == ["NA", "1"]


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
    with pytest.raises(OSError, match=r"32-bit numbers \(mode F\)"):
        open_photo(tmp_path / "a.tiff")
