from pathlib import Path

import numpy as np
import pandas as pd
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
