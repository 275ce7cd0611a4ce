"""Photos from a real S3 server on this machine: moto's, of the dependency group s3."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from commands.cluster.parquet import open_folder, parts_of
from stages.common.cli import UserError
from stages.data.fetch import Source
from tests.conftest import packed_files

pytestmark = [pytest.mark.usefixtures("hurry", "_photos"), pytest.mark.slow]

PHOTOS = {f"{label}/{number}.jpg": f"{label} {number}".encode() for label in ("cats", "dogs") for number in range(40)}


@pytest.fixture(scope="module")
def _photos(s3: None) -> None:
    """Photos in a folder of a bucket, and in an archive there."""
    bucket, archive = open_folder("s3://bucket"), BytesIO()
    bucket.fs.mkdir("bucket")
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in PHOTOS.items():
            opened.writestr(name, content)
            bucket.pipe_file(f"photos/{name}", content)
    bucket.pipe_file("photos.zip", archive.getvalue())


def test_a_folder_and_an_archive_are_fetched(tmp_path: Path) -> None:
    folder, archive = (Source(f"s3://bucket/{name}", "download.photos") for name in ("photos", "photos.zip"))
    assert (folder.is_folder(), archive.is_folder()) == (True, False)
    (tmp_path / "packed").mkdir()
    folder.pack_folder(tmp_path / "packed")
    assert packed_files(tmp_path / "packed") == PHOTOS
    archive.copy_file(tmp_path / "archive")
    assert sorted(zipfile.ZipFile(tmp_path / "archive").namelist()) == sorted(PHOTOS)


@pytest.mark.parametrize("url", ["s3://bucket/nothing", "s3://other/photos"])
def test_a_missing_folder_or_bucket_is_one_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserError, match=rf"expected a file or folder at '{url}', found none"):
        Source(url, "download.photos").copy_file(tmp_path / "copy")


def test_wrong_credentials_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.core.responses import ActionAuthenticatorMixin

    monkeypatch.setattr(ActionAuthenticatorMixin, "request_count", 0)
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)
    with pytest.raises(UserError, match=r"^download.photos: cannot fetch s3:.*: PermissionError: The AWS[^\n]*$"):
        Source("s3://bucket/photos", "download.photos").is_folder()


def test_a_file_that_another_process_wrote_since_is_found() -> None:
    """As nodes of a cluster write predictions."""
    output, node = open_folder("s3://bucket/predictions"), open_folder("s3://bucket/predictions")
    output.pipe_file("_about.json", b"{}")
    assert parts_of(output) == []
    node.pipe_file("part-000001.parquet", b"rows")
    assert parts_of(output) == ["part-000001.parquet"]
    assert output.cat_file("part-000001.parquet") == b"rows"
