"""Synthetic images: the same for the same seed, laid out like the published ones."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from commands.sample import __main__ as command
from commands.sample.photo_archive import write_archive
from stages.common.cli import UserError
from tests.conftest import run_main


def test_only_the_same_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in {"a.zip": 0, "b.zip": 0, "c.zip": 1}.items():
        write_archive(tmp_path / name, ["cats", "dogs"], train=2, validation=1, seed=seed)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert (tmp_path / "a.zip").read_bytes() != (tmp_path / "c.zip").read_bytes()


def test_the_archive_is_laid_out_as_the_published_one(tmp_path: Path) -> None:
    """A drawing does not depend on how many others there are."""
    write_archive(tmp_path / "few.zip", ["cats", "dogs"], train=2, validation=1)
    write_archive(tmp_path / "more.zip", ["owls", "cats"], train=4, validation=1)
    with zipfile.ZipFile(tmp_path / "few.zip") as few, zipfile.ZipFile(tmp_path / "more.zip") as more:
        assert few.namelist() == [
            f"sample/{split}/{animal}s/{animal}.{index}.jpg"
            for split, indices in {"train": [0, 1], "validation": [2]}.items()
            for animal in ("cat", "dog")
            for index in indices
        ]
        assert few.read("sample/train/cats/cat.1.jpg") == more.read("sample/train/cats/cat.1.jpg")
        with Image.open(io.BytesIO(few.read("sample/train/cats/cat.0.jpg"))) as photo:
            assert photo.mode == "RGB"
            assert 240 <= max(photo.size) <= 400


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--classes=unicorns", "--classes.*unicorns.*choose from .*cats"),
        ("--train=0", "--train: expected 1 or more"),
        ("--output=mine.zip", "^--output: expected a new file, received mine.zip"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_bad_arguments_are_refused(option: str, message: str) -> None:
    Path("mine.zip").write_text("mine")
    with pytest.raises(UserError, match=message):
        run_main(command, "--output=new.zip", option)
    assert Path("mine.zip").read_text() == "mine"
    assert not Path("new.zip").exists()


def test_the_command_prints_the_archive_s_sha256(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "a.zip"
    run_main(command, "--train=1", "--validation=1", f"--output={archive}")
    assert capsys.readouterr().out == f"{hashlib.sha256(archive.read_bytes()).hexdigest()}\n"
    with pytest.raises(UserError, match=r"cannot write .*: choose another --output$"):
        run_main(command, f"--output={archive}/a.zip")
