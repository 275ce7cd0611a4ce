from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages import thumbnails
from stages.common.paths import THUMBNAILS
from tests.conftest import PHOTOS, pack_photos, write_photos


def test_every_file_has_a_row_and_its_problem_or_thumbnail(workspace: Path) -> None:
    """Also one outside of class folders: which file is in which class is decided later."""
    write_photos(PHOTOS / "cats", 2)
    Image.new("RGB", (64, 32), (250, 130, 10)).save(PHOTOS / "orange.png")
    (PHOTOS / "cats/notes.txt").write_text("no photo")
    pack_photos()
    thumbnails.main()
    files = pd.read_csv(THUMBNAILS / "files.csv", keep_default_na=False)
    names = ["cats/0.jpg", "cats/1.jpg", "cats/notes.txt", "orange.png"]
    assert files["path"].tolist() == [f"data/raw/{name}" for name in names]
    assert files["problem"].tolist() == ["", "", "cannot be decoded: is a text file", ""]
    rows = np.load(THUMBNAILS / "thumbnails.npy")
    assert (rows.shape, rows.dtype) == ((4, 3, 32, 32), np.uint8)
    assert (rows[3] == np.array([250, 130, 10], np.uint8)[:, None, None]).all()
    assert [bool(row.any()) for row in rows] == [True, True, False, True]


def test_a_large_jpeg_is_decoded_at_a_reduced_size(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a small one is not: it would have fewer pixels than its thumbnail."""
    PHOTOS.mkdir()
    for side in (200, 2048):
        Image.new("RGB", (side, side)).save(PHOTOS / f"{side}.jpg")
    pack_photos()
    resized = mock.Mock(side_effect=thumbnails.make_thumbnail)
    monkeypatch.setattr(thumbnails, "make_thumbnail", resized)
    thumbnails.main()
    assert {call.args[0].size for call in resized.call_args_list} == {(200, 200), (512, 512)}
