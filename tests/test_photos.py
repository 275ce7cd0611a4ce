from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.common.command import UserError
from stages.common.photos import class_names, load_pixels, open_photo, read_list


def test_pixels_are_resized_to_height_and_width(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), (10, 20, 30)).save(tmp_path / "a.png")
    pixels = load_pixels([str(tmp_path / "a.png")], (6, 8))
    assert pixels.shape == (1, 6, 8, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == [10, 20, 30]).all()


def test_photos_stay_in_the_order_of_their_paths(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{shade}.png") for shade in range(0, 250, 5)]
    for shade, path in zip(range(0, 250, 5), paths, strict=True):
        Image.new("L", (5, 5), shade).save(path)
    assert load_pixels(paths, (1, 1)).ravel().tolist() == [shade for shade in range(0, 250, 5) for _ in "RGB"]


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


def test_a_missing_list_is_one_line(workspace: Path) -> None:
    with pytest.raises(UserError, match=r"expected the list data/splits/train.csv, found none: run `dvc repro split`"):
        read_list("train")


def test_a_label_that_looks_like_nothing_is_still_a_label(workspace: Path) -> None:
    Path("data/splits").mkdir(parents=True)
    Path("data/splits/train.csv").write_text("path,label\na.jpg,NA\nb.jpg,1\n")
    assert list(read_list("train")["label"]) == ["NA", "1"]
