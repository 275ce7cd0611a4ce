"""Which files `split` takes for photos, and what stops it."""

import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from stages import split
from stages.common.paths import RAW, SPLITS
from stages.photos import decode
from tests.conftest import write_photos


def test_a_photo_of_too_many_megapixels_is_rejected(workspace: Path, set_params: Callable[..., None]) -> None:
    for label in ("cats", "dogs"):
        write_photos(RAW / label, 10)
    Image.new("RGB", (50, 50)).save(RAW / "cats/large.png")
    set_params({"split.max_rejected_fraction": 0.1, "split.max_megapixels": 0.002})
    split.main()
    assert pd.read_csv(SPLITS / "rejected.csv").to_dict("records") == [
        {
            "path": "data/raw/cats/large.png",
            "reason": "has 0.0025 megapixels, above the limit of 0.002 (split.max_megapixels)",
        }
    ]


def test_files_with_more_frames_are_counted(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    for label in ("cats", "dogs"):
        write_photos(RAW / label, 10)
    for number, name in enumerate(["cats/pages.tiff", "cats/film.gif", "dogs/film.webp", "dogs/film.png"]):
        frames = [Image.effect_noise((16, 16), 50 + number) for _ in range(3)]
        frames[0].save(RAW / name, save_all=True, append_images=frames[1:])
    Image.effect_noise((16, 16), 90).save(RAW / "cats/one.gif")
    with caplog.at_level(logging.WARNING):
        split.main()
    assert "more pages or frames than the first, which alone counts: 4," in caplog.text


def test_an_mpo_is_a_jpeg_under_either_suffix(tmp_path: Path) -> None:
    photos = [Image.new("RGB", (20, 30), colour) for colour in ("red", "green")]
    for name in ("a.mpo", "a.jpg"):
        photos[0].save(tmp_path / name, format="MPO", save_all=True, append_images=photos[1:])
        reason, _, has_more_frames = split.inspect(str(tmp_path / name), max_megapixels=1)
        assert (reason, has_more_frames) == ("", False)


def test_a_photo_that_the_machine_fails_to_read_stops_the_run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    for label in ("cats", "dogs"):
        write_photos(RAW / label, 10)
    monkeypatch.setattr(decode, "_read", fail)
    with pytest.raises(OSError, match="Input/output error"):
        split.main()
    assert not SPLITS.exists()
