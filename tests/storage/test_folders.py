import logging
from pathlib import PurePosixPath

import pytest

from stages.storage.folders import describe_content, is_hidden, warn_of_empty


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "cats/.hidden/1.jpg", "__MACOSX/cats/._1.jpg", "cats/@eaDir/1.jpg", "#RECYCLE/1.jpg"),
        *("$Recycle.Bin/S-1-5/1.jpg", "System Volume Information/x", "cats/thumbs.db", "lost+found/#12", "Icon\r"),
    ],
)
def test_the_systems_own_files_are_hidden(name: str) -> None:
    assert is_hidden(PurePosixPath(name))


@pytest.mark.parametrize(
    "name", ["recycle/1.jpg", "lost and found/1.jpg", "eaDir/1.jpg", "cats/Thumbs.db/1.jpg", "../a"]
)
def test_files_of_the_user_are_not_hidden(name: str) -> None:
    assert not is_hidden(PurePosixPath(name))


@pytest.mark.parametrize(
    ("start", "content"),
    [
        (b"", "is an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git LFS pointer: run `git lfs pull`"),
        (b"\xef\xbb\xbf\r\n <!DOCTYPE HTML>", "is a web page"),
        (b"<html lang=en>", "is a web page"),
        (b"path,label\n", None),
        (b"PK\x03\x04", None),
    ],
)
def test_content_is_described_by_how_it_starts(start: bytes, content: str | None) -> None:
    assert describe_content(start) == content


def test_folders_without_files_are_named_and_others_not(caplog: pytest.LogCaptureFixture) -> None:
    folders = [PurePosixPath(name) for name in (".", "cats", "cats/tom", "dogs", "a/b", ".git", "@eaDir")]
    warn_of_empty(folders, [PurePosixPath("cats/tom"), PurePosixPath("a/b/c")])
    assert [record.args for record in caplog.records] == [(1, "'dogs'")]
    caplog.set_level(logging.INFO)
    caplog.clear()
    warn_of_empty(folders[:3], [PurePosixPath("cats/tom")])
    assert not caplog.records
