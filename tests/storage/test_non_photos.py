from collections.abc import Callable
from pathlib import Path

import pytest

from stages.storage.non_photos import find_sidecars, is_hidden, unreadable_folders


@pytest.mark.parametrize(
    ("hidden", "names"),
    [
        (True, [".DS_Store", "cats/.hidden/1.jpg", "__MACOSX/cats/._1.jpg", "cats/@eaDir/1.jpg", "#RECYCLE/1.jpg"]),
        (True, ["cats/_DS_Store"]),
        (True, ["$Recycle.Bin/S-1-5/1.jpg", "System Volume Information/x", "cats/thumbs.db", "lost+found/#12"]),
        (True, ["Icon\r", ".Trashes/5.jpg", "@Recycle/7.jpg", "#recycle/3.jpg"]),
        (False, ["recycle/1.jpg", "lost and found/1.jpg", "eaDir/1.jpg", "cats/Thumbs.db/1.jpg", "../a", "."]),
    ],
)
def test_files_of_operating_systems_are_hidden(hidden: bool, names: list[str]) -> None:
    assert [is_hidden(name) for name in names] == [hidden] * len(names)


def test_a_raw_is_a_sidecar_file_only_beside_a_photo_of_its_name() -> None:
    undecodable = ["a/IMG_1.CR2", "a/2.nef", "b/img_1.cr2", "a/notes.TXT", "a/3.jpg"]
    assert find_sidecars(undecodable, ["a/img_1.jpg"]) == {"a/IMG_1.CR2", "a/notes.TXT"}


@pytest.mark.parametrize(("name", "count"), [("cats", 1), ("cats/.Trash-1", 0), ("lost+found", 0)])
def test_unreadable_folders_are_found(
    tmp_path: Path, without_access: Callable[[str], None], name: str, count: int
) -> None:
    """Hidden ones apart, as a disk's ``lost+found/``, which only root may read."""
    (tmp_path / name).mkdir(parents=True)
    without_access(str(tmp_path / name))
    assert [error.filename for error in unreadable_folders(tmp_path)] == [str(tmp_path / name)] * count
