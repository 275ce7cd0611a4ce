import hashlib
import shutil
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from stages import download
from stages.common.cli import UserError
from stages.common.paths import LABELS, RAW
from tests.conftest import CNN_ALONE, SetParams, packed_files, write_photos


@pytest.fixture
def photos(workspace: Path, set_params: SetParams) -> Path:
    """A folder of photos that params.yaml names, and no backbone."""
    write_photos(workspace / "photos/cats", 2)
    write_photos(workspace / "photos/dogs", 2)
    set_params({"download.photos": "photos", **CNN_ALONE})
    return workspace / "photos"


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("kind", "has_sha256"), [("zip", False), ("zip", True), ("gztar", False)])
def test_a_local_archive_is_packed_where_it_is(
    photos: Path, set_params: SetParams, monkeypatch: pytest.MonkeyPatch, kind: str, has_sha256: bool
) -> None:
    monkeypatch.setattr(LocalFileSystem, "get_file", None)
    archive = shutil.make_archive("photos", kind, base_dir="photos")
    sha256 = hashlib.sha256(Path(archive).read_bytes()).hexdigest() if has_sha256 else None
    set_params({"download.photos": archive, "download.photos_sha256": sha256})
    download.main()
    assert list(packed_files()) == [f"photos/{name}" for name in files_below(photos)]
    assert Path(archive).is_file()


def test_a_second_run_replaces_the_first(photos: Path, set_params: SetParams) -> None:
    (photos / "0.csv").write_text("path,label\n")
    set_params({"download.labels": "photos/0.csv"})
    download.main()
    assert files_below(LABELS) == ["labels.csv"]
    set_params({"download.labels": None})
    (photos / "0.csv").unlink()
    (photos / "cats/0.jpg").unlink()
    write_photos(photos / "dogs", 3)
    (RAW / "photos-00001.zip").unlink()  # as a disk may lose it
    (RAW / ".DS_Store").touch()
    download.main()
    assert list(packed_files()) == files_below(photos) == ["cats/1.jpg", "dogs/0.jpg", "dogs/1.jpg", "dogs/2.jpg"]
    assert files_below(Path("data")) == ["fetched.json", "labels/none", "raw/photos-00001.zip"]


@pytest.mark.parametrize("photos_at", ["data/incoming", "data/photos", "data/raw2", "data/.unfinished-photos"])
def test_a_source_beside_the_outputs_is_copied(photos: Path, set_params: SetParams, photos_at: str) -> None:
    Path(shutil.copytree(photos, photos_at), "0.csv").write_text("path,label\n")
    set_params({"download.photos": photos_at, "download.labels": f"{photos_at}/0.csv"})
    download.main()
    assert list(packed_files()) == files_below(Path(photos_at)) != files_below(photos)


def contents() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_photos_of_the_user_behind_a_link_stay(photos: Path, set_params: SetParams) -> None:
    RAW.parent.mkdir()
    RAW.symlink_to(Path(shutil.copytree(photos, "elsewhere")).absolute())
    set_params({"download.photos": str(RAW)})
    before = contents()
    with pytest.raises(UserError, match=r"^expected in data/raw only what .* 4 other or changed files, such as data/"):
        download.main()
    assert contents() == before


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("has_run", [False, True])
@pytest.mark.parametrize("name", ["data/raw/cats/mine.jpg", "data/labels/labels.csv", "data/labels/notes/mine.txt"])
@pytest.mark.parametrize("target", [None, "photos", "photos/cats/0.jpg", "nowhere"])
def test_files_of_the_user_among_the_outputs_stop_the_step(name: str, has_run: bool, target: str | None) -> None:
    """Files, and links to a folder, a file or nothing."""
    if has_run:
        download.main()
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    if target:
        Path(name).symlink_to(Path(target).absolute())
    else:
        Path(name).write_text("mine")
    before = contents()
    with pytest.raises(UserError, match=rf"^expected in data/\w+ only what .* as {name}: move what is yours[^\n]*$"):
        download.main()
    assert contents() == before
    assert Path(name).is_symlink() == bool(target)


def test_an_edited_output_stops_the_step(set_params: SetParams, photos: Path) -> None:
    Path("labels.csv").write_text("path,label\ncats/0.jpg,cat\n")
    set_params({"download.labels": "labels.csv"})
    download.main()
    for edited in (LABELS / "labels.csv", RAW / "photos-00001.zip"):
        original = edited.read_bytes()
        edited.write_bytes(original.replace(b",cat", b",dog") if edited.suffix == ".csv" else b"cropped")
        with pytest.raises(UserError, match=f"1 other or changed file, such as {edited}: "):
            download.main()
        edited.write_bytes(original)
    download.main()


@pytest.mark.usefixtures("photos")
def test_a_file_put_there_while_it_fetches_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    download.main()
    mine = RAW / "mine.jpg"
    monkeypatch.setattr(download, "fetch_labels", lambda *_: mine.touch())
    with pytest.raises(UserError, match=f"1 other or changed file, such as {mine}: "):
        download.main()
    assert mine.exists()


@pytest.mark.parametrize(
    "source", ["data/raw", "data/raw/photos-00001.zip", "data", ".", "link", "file:data/raw", "data/thumbnails/cats"]
)
@pytest.mark.usefixtures("photos")
def test_a_source_among_the_outputs_is_refused(set_params: SetParams, source: str) -> None:
    download.main()
    Path("link").symlink_to(LABELS)
    before = files_below(Path("data"))
    set_params({"download.photos": source})
    with pytest.raises(UserError, match=r"^download.photos: expected a path neither inside nor around data/\w+, which"):
        download.main()
    assert files_below(Path("data")) == before


BAD_PARAMETERS = {
    "empty folder": ({"photos": "empty"}, "^download.photos: expected photos, found no files in empty"),
    "folder of hidden files": ({"photos": "hidden"}, "^download.photos: expected photos, found no files in hidden"),
    "empty archive": ({"photos": "empty.zip"}, "^download.photos: expected photos, found no files in empty.zip"),
    "server that is down": ({"photos": "http://127.0.0.1:9/a.zip"}, "cannot fetch http://127.0.0.1:9/a.zip: .*a local"),
    "damaged archive": ({"photos": "damaged.zip"}, "photos: expected an intact archive, .*from damaged.zip"),
    "other file": ({"photos": "empty.zip", "photos_sha256": "0" * 64}, "download.photos: expected the SHA-256 0{64}"),
    "hash of a folder": ({"photos_sha256": "0" * 64}, "photos_sha256: expected it empty for a folder"),
    "folder with a bad link": ({"photos": "dangling"}, "dangling/none.jpg, a folder, a link to one or to nothing, "),
    "missing labels": ({"labels": "nowhere.csv"}, "^download.labels: .*'nowhere.csv' .*, found none"),
    "folder of labels": ({"labels": "photos"}, "^download.labels: expected a file, received .*photos, a folder, "),
}


@pytest.fixture
def bad_sources(photos: Path) -> None:
    """The files that BAD_PARAMETERS name."""
    Path("empty/cats").mkdir(parents=True)
    shutil.make_archive("empty", "zip", root_dir="empty")
    write_photos(Path("hidden/.thumbnails"), 1)
    shutil.make_archive("damaged", "zip", root_dir=photos)
    content = bytearray(Path("damaged.zip").read_bytes())
    content[len(content) // 2] ^= 1  # behind the first photo
    Path("damaged.zip").write_bytes(content)
    shutil.copytree(photos, "dangling")
    Path("dangling/none.jpg").symlink_to("nowhere.jpg")  # after the folders in the order of copying


@pytest.mark.parametrize("case", BAD_PARAMETERS)
@pytest.mark.usefixtures("bad_sources", "hurry")
def test_a_failure_is_one_line_and_leaves_nothing(photos: Path, set_params: SetParams, case: str) -> None:
    """And the next run works."""
    changes, message = BAD_PARAMETERS[case]
    set_params({f"download.{key}": value for key, value in changes.items()})
    with pytest.raises(UserError, match=message) as error:
        download.main()
    assert "\n" not in str(error.value)
    assert not any(Path("data").iterdir())

    set_params({"download.photos": "photos", "download.photos_sha256": None, "download.labels": None, **CNN_ALONE})
    download.main()
    assert list(packed_files()) == files_below(photos)
