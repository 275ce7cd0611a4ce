import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages import download, split
from stages.common.paths import LABELS, RAW
from stages.common.program import UserError
from stages.photos.lists import read_split
from tests.conftest import CNN_ALONE, write_photos

SetParams = Callable[[dict[str, Any]], None]


@pytest.fixture
def photos(workspace: Path, set_params: SetParams) -> Path:
    """A folder of photos that params.yaml names, and no backbone."""
    write_photos(workspace / "photos/cats", 2)
    write_photos(workspace / "photos/dogs", 2)
    set_params({"download.photos": "photos", **CNN_ALONE})
    return workspace / "photos"


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_is_copied(photos: Path) -> None:
    download.main()
    assert files_below(RAW) == files_below(photos)


def test_an_archive_is_unpacked_in_its_own_folders(photos: Path, set_params: SetParams) -> None:
    archive = shutil.make_archive("photos", "zip", root_dir=".", base_dir="photos")
    set_params({"download.photos": archive})
    download.main()
    assert files_below(RAW) == [f"photos/{name}" for name in files_below(photos)]


@pytest.mark.usefixtures("photos")
def test_an_archive_with_the_expected_hash_is_accepted(set_params: SetParams) -> None:
    archive = shutil.make_archive("photos", "zip", root_dir=".", base_dir="photos")
    sha256 = hashlib.sha256(Path(archive).read_bytes()).hexdigest()
    set_params({"download.photos": archive, "download.photos_sha256": sha256})
    download.main()
    assert RAW.is_dir()


def test_photos_in_one_heap_have_the_classes_of_a_csv(photos: Path, set_params: SetParams) -> None:
    """Through ``split``, of which the lists are those of a folder per class."""
    write_photos(photos, 20)
    shutil.rmtree(photos / "cats")
    shutil.rmtree(photos / "dogs")
    rows = [f"{number}.jpg,{'cats' if number < 10 else 'dogs'}" for number in range(20)]
    Path("labels.csv").write_text("\n".join(["path,label", *rows]))
    set_params({"download.labels": "labels.csv"})
    download.main()
    split.main()
    lists = {name: read_split(name) for name in ("train", "validation", "test", "rejected")}
    assert {name: len(listed) for name, listed in lists.items()} == {
        "train": 14,
        "validation": 4,
        "test": 2,
        "rejected": 0,
    }
    for name in ("train", "validation", "test"):
        numbers = lists[name]["path"].str.extract(r"^data/raw/(\d+).jpg$", expand=False).astype(int)
        assert list(lists[name]["label"]) == ["cats" if number < 10 else "dogs" for number in numbers]


@pytest.mark.usefixtures("photos")
def test_labels_of_a_run_before_are_not_kept(set_params: SetParams) -> None:
    Path("labels.csv").write_text("path,label\n")
    set_params({"download.labels": "labels.csv"})
    download.main()
    assert files_below(LABELS) == ["labels.csv"]
    set_params({"download.labels": None})
    download.main()
    assert files_below(LABELS) == ["none"]


BAD_PARAMETERS = {
    "a file that is not there": ({"photos": "nowhere.zip"}, "^download.photos: .*'nowhere.zip', found none"),
    "a server that is down": (
        {"photos": "http://127.0.0.1:9/a.zip"},
        "^download.photos: cannot fetch http://127.0.0.1:9/a.zip: .*local path, or see `make demo`",
    ),
    "an unknown protocol": ({"photos": "gopher2://a/b.zip"}, "^download.photos: .*'gopher2://a/b.zip'"),
    "no archive": ({"photos": "page.zip"}, "^download.photos: expected a zip or tar archive, .*from page.zip"),
    "a damaged archive": (
        {"photos": "damaged.zip"},
        "^download.photos: expected a whole archive, received one that cannot be unpacked: ",
    ),
    "another file": (
        {"photos": "good.zip", "photos_sha256": "0" * 64},
        "^download.photos_sha256: expected 0{64}, received [0-9a-f]{64}: ",
    ),
    "a hash of a folder": ({"photos_sha256": "0" * 64}, "photos_sha256: expected it empty for a folder"),
    "a folder that cannot be copied whole": ({"photos": "dangling"}, "dangling/none.jpg', found none"),
    "no labels there": ({"labels": "nowhere.csv"}, "^download.labels: .*'nowhere.csv', found none"),
    "a folder of labels": ({"labels": "photos"}, "^download.labels: expected a CSV, received the folder photos"),
}


@pytest.fixture
def bad_sources(photos: Path) -> None:
    """The files that BAD_PARAMETERS name."""
    Path("page.zip").write_text("<!doctype html><p>Sign in</p>")
    shutil.make_archive("good", "zip", root_dir=photos)
    content = bytearray(Path("good.zip").read_bytes())
    content[len(content) // 2] ^= 1  # behind the first photo
    Path("damaged.zip").write_bytes(content)
    shutil.copytree(photos, "dangling")
    Path("dangling/none.jpg").symlink_to("nowhere.jpg")  # after the folders in the order of copying


@pytest.mark.parametrize("case", BAD_PARAMETERS)
@pytest.mark.usefixtures("bad_sources", "hurry")
def test_a_failure_is_one_line_and_leaves_nothing_and_the_next_run_works(
    photos: Path, set_params: SetParams, case: str
) -> None:
    changes, message = BAD_PARAMETERS[case]
    set_params({f"download.{key}": value for key, value in changes.items()})
    with pytest.raises(UserError, match=message) as error:
        download.main()
    assert "\n" not in str(error.value)
    assert not any(Path("data").iterdir())

    set_params({"download.photos": "photos", "download.photos_sha256": None, "download.labels": None, **CNN_ALONE})
    download.main()
    assert files_below(RAW) == files_below(photos)


@pytest.mark.usefixtures("photos")
def test_the_backbone_of_the_demo_is_warned_of_with_other_photos_than_the_demo_s(
    set_params: SetParams, caplog: pytest.LogCaptureFixture
) -> None:
    entry: dict[str, Any] = {"architecture": "MobileNetV2", "sha256": None, "options": {}}
    set_params({"backbones": {"small": {**entry, "weights": "data/sample_backbone.weights.h5"}}})
    download.main()
    assert "backbones.small has the weights of `make demo`" in caplog.text
    caplog.clear()
    set_params({"backbones.small.weights": "own.h5"})
    download.main()
    assert "make demo" not in caplog.text
