"""What `python -m commands.cluster.batch_predict` does without a cluster; test_cluster.py runs it on one."""

import errno
import os
import socket
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import ray
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from commands.cluster import batch_predict as predict
from commands.cluster import classification
from commands.cluster.classification import Job, classify_part, decode
from commands.cluster.parquet import (
    claim,
    drop_problems,
    explain_unreachable,
    open_folder,
    parts_of,
    read_predictions,
    write_part,
)
from commands.predict import list_photos
from stages.common.cli import UserError
from stages.common.params import ConfidenceSettings
from stages.common.paths import BEST, MODELS
from stages.inference.model_file import fetch_model_file
from stages.photos.decode import UnreadablePhotoError, open_photo
from stages.storage.files import write_json
from tests.commands.small_model import save_small_model
from tests.conftest import run_main, write_photos


@pytest.mark.parametrize("arguments", [("memory://bucket", "out"), ("photos", "memory://bucket")])
@pytest.mark.usefixtures("workspace")
def test_a_bucket_that_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str]) -> None:
    write_photos(Path("photos"), 1)
    save_small_model("small", ["ants", "bees"])
    refusal = PermissionError("The key is not known.\nSee the manual.")  # as s3fs, without a code
    monkeypatch.setattr(MemoryFileSystem, "find", mock.Mock(side_effect=refusal))
    expected = r"^expected a folder to read and write at memory:///bucket, received: The key is not known.$"
    with pytest.raises(UserError, match=expected):
        run_main(predict, *arguments, "--model", "small")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photos", "photos"), "expected OUTPUT outside of photos, where the photos are, received photos"),
        (("photos", "photos/predictions"), "expected OUTPUT outside of photos"),
        (("photos", "data/splits/out"), "OUTPUT: expected a path outside of the pipeline's data/splits, received /"),
        (("nowhere://photos", "out"), "expected a path or a URL that fsspec reads, received 'nowhere://photos': "),
        (("dropbox://photos", "out"), "expected a path or a URL that fsspec reads, received 'dropbox://photos': "),
        (("nothing", "predictions"), "expected a folder with photos, found none in nothing"),
        (("params.yaml", "predictions"), "expected a folder with photos, found none in params.yaml"),
        (("", "predictions"), "expected a folder, received an empty name"),
        (("photos", ""), "expected a folder, received an empty name"),
        (("photos", "params.yaml"), r"expected a folder to read and write at .*/params.yaml, received: .* File exists"),
        (("photos", "params.yaml/x"), r"expected a folder to read and write at .*/x, received: .* Not a directory"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_folders_that_cannot_be_are_refused(arguments: tuple[str, str], message: str) -> None:
    write_photos(Path("photos"), 1)
    save_small_model("small", ["ants", "bees"])
    write_json({"model": "small"}, BEST)
    with pytest.raises(UserError, match=f"^{message}"):
        run_main(predict, *arguments)


@pytest.mark.usefixtures("workspace")
def test_an_unreadable_folder_ends_it(without_access: Callable[[str], None]) -> None:
    write_photos(Path("photos/private"), 1)
    without_access(str(Path("photos/private").resolve()))
    with pytest.raises(PermissionError, match="photos/private"):
        run_main(predict, "photos", "output")


@pytest.mark.usefixtures("workspace")
def test_a_cluster_without_room_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    write_photos(Path("photos"), 1)
    save_small_model("small", ["ants", "bees"])
    monkeypatch.setattr(predict, "connect", mock.Mock())
    monkeypatch.setattr(ray, "nodes", list)
    monkeypatch.setattr(predict, "predict_photos", None)  # which would wait for a node
    with pytest.raises(UserError, match=r"^expected a node with cpus: "):
        run_main(predict, "photos", "output", "--model", "small")


TINY: Any = SimpleNamespace(image_size=(2, 2), image_fit="stretch")  # a model


def test_a_forbidden_file_is_listed_and_the_others_are_decoded() -> None:
    photo = BytesIO()
    Image.new("RGB", (20, 30), "white").save(photo, "PNG")
    denied, loop = PermissionError(errno.EACCES, "Permission denied"), OSError(errno.ELOOP, "Loop")
    files: dict[str, bytes | OSError] = {"a": photo.getvalue(), "b": denied, "c": b"no photo", "d": loop}

    def open_file(path: str, **_options: int) -> BytesIO:
        content = files[path]
        if isinstance(content, OSError):
            raise content
        return BytesIO(content)

    bucket = mock.Mock(fs=None, open=open_file)  # not local files
    pixels, problems = decode(list(files), bucket, TINY, 1)
    reasons = ["", "cannot be read: Permission denied", "cannot be decoded: is a text file", "cannot be read: Loop"]
    assert problems == reasons
    assert pixels.max(axis=(1, 2, 3)).tolist() == [255, 0, 0, 0]


def test_a_film_of_many_gigabytes_is_not_read_whole(tmp_path: Path) -> None:
    for name, start in [("film.mp4", b"\0\0\0\x18ftypmp42"), ("large.jpg", b"\xff\xd8\xff")]:
        (tmp_path / name).write_bytes(start)
        os.truncate(tmp_path / name, 2**40)
    _, problems = decode(["film.mp4", "large.jpg"], open_folder(str(tmp_path)), TINY, 1)
    assert problems == ["cannot be decoded: is a video", "is larger than any photo of 1 megapixels"]


def test_links_and_special_files_are_listed_by_name(tmp_path: Path) -> None:
    """By a cluster as by `commands.predict`: a named pipe blocks for ever whoever opens it."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nothing").symlink_to("nowhere")
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    write_photos(tmp_path, 1)
    photos = open_folder(str(tmp_path))
    paths = sorted(photos.find(""))
    problems = dict(zip(paths, decode(paths, photos, TINY, 1)[1], strict=True))
    special = dict.fromkeys(["pipe.jpg", "socket", "zero"], "a named pipe, a socket or a device, not a file")
    reasons = {"loop": os.strerror(errno.ELOOP), "nothing": os.strerror(errno.ENOENT), **special}
    assert problems == {"0.jpg": ""} | {name: f"cannot be read: {reason}" for name, reason in reasons.items()}
    assert [path.name for path in list_photos([tmp_path])] == paths
    for path, problem in problems.items():
        if problem:
            with pytest.raises(UnreadablePhotoError, match=f"^{problem}$"):
                open_photo(tmp_path / path)


def test_parts_have_the_notes_that_the_settings_ask_for(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_small_model("small", ["ants", "bees"])
    write_photos(workspace / "photos", 1)
    np.savez(MODELS / "small.npz", logits=np.array([[99.0, 0.0]]), labels=np.array([0]))
    model, photos = fetch_model_file("small"), open_folder(str(workspace / "photos"))
    unsure = ConfidenceSettings(abstention_accuracy=0.9)  # below the confidence of that photo
    monkeypatch.setattr(classification, "load_job", lambda job: (job, job.model.load(job.settings)))
    for name, settings, notes in [("plain", ConfidenceSettings(), None), ("notes", unsure, ["unsure", None])]:
        output = open_folder(str(workspace / name))
        job = Job(model, settings, 1, photos, output)
        assert classify_part._function([job], 0, ["0.jpg", "none.jpg"]) == 2
        table = pd.read_parquet(workspace / name)
        assert (table["note"].replace({np.nan: None}).tolist() if "note" in table else None) == notes
        assert table["class"].isna().tolist() == [False, True]


def test_an_output_goes_on_only_with_its_model_and_settings(workspace: Path) -> None:
    save_small_model("small", ["ants", "bees"])
    model, output = fetch_model_file("small"), open_folder(str(workspace / "out"))
    plain, unsure = ConfidenceSettings(), ConfidenceSettings(abstention_accuracy=0.9)
    other_fit = model._replace(validation=b"of another training")
    claim(output, model, plain)
    claim(output, other_fit, plain)  # which nothing is fitted to
    others = [(model._replace(content=b"another"), plain), (model._replace(image_fit="pad"), plain), (model, unsure)]
    for other, settings in others:
        with pytest.raises(UserError, match="or predictions of this small with the same settings of confidence"):
            claim(output, other, settings)

    output = open_folder(str(workspace / "unsure"))
    claim(output, model, unsure)
    claim(output, model, unsure)
    with pytest.raises(UserError, match=r"found others \(_about.json\): choose another$"):
        claim(output, other_fit, unsure)


def test_an_output_of_another_program_is_refused(workspace: Path) -> None:
    save_small_model("small", ["ants", "bees"])
    (workspace / "out").mkdir()
    (workspace / "out/part-000001.parquet").write_bytes(b"mine")
    with pytest.raises(UserError, match="expected a new OUTPUT, or predictions of this small"):
        claim(open_folder(str(workspace / "out")), fetch_model_file("small"), ConfidenceSettings())
    assert [path.name for path in (workspace / "out").iterdir()] == ["part-000001.parquet"]


def test_only_photos_with_a_problem_are_tried_again(tmp_path: Path) -> None:
    output = open_folder(str(tmp_path))
    good, bad = rows_of("0.jpg", "1.jpg", "2.jpg"), rows_of("bad0.jpg", "bad1.jpg", problem="cannot be read")
    for number, rows in enumerate([good[:1], pd.concat([good[1:], bad[:1]]), bad[1:]]):
        write_part(output, f"part-{number:06}.parquet", rows)
    untouched = (tmp_path / "part-000000.parquet").stat().st_ino
    assert drop_problems(output) == {"0.jpg", "1.jpg", "2.jpg"}
    assert sorted(read_predictions(output)["path"]) == ["0.jpg", "1.jpg", "2.jpg"]
    assert parts_of(output) == ["part-000000.parquet", "part-000001.parquet"]
    assert (tmp_path / "part-000000.parquet").stat().st_ino == untouched


def rows_of(*paths: str, problem: str | None = None) -> pd.DataFrame:
    of_class = [None] * 3 if problem else ["a", 1, 1]
    rows = [[path, *of_class, problem] for path in paths]
    return pd.DataFrame(rows, columns=["path", "class", "probability", "probability_a", "problem"])


def test_rows_that_two_runs_wrote_are_repaired(tmp_path: Path) -> None:
    output = open_folder(str(tmp_path))
    for number, paths in enumerate(["ab", "bc", "ca"]):
        write_part(output, f"part-{number:06}.parquet", rows_of(*paths))
    with pytest.raises(UserError, match=r"^expected each of 3 photos once, found 6 rows: .*run the same command again"):
        predict.report(["a", "b", "c"], read_predictions(output), "cnn")
    assert drop_problems(output) == {"a", "b", "c"}
    assert read_predictions(output)["path"].tolist() == ["a", "b", "c"]


def test_a_damaged_part_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "part-000000.parquet").touch()  # as after a power failure
    with pytest.raises(UserError, match=r"part-000000.parquet as it was written, received it damaged .*: delete it"):
        drop_problems(open_folder(str(tmp_path)))


def test_a_failing_disk_is_not_a_folder_to_choose_again(tmp_path: Path) -> None:
    output = open_folder(str(tmp_path))
    with pytest.raises(OSError, match="Input/output error"), explain_unreachable(output):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("refusal", [PermissionError("Access denied"), TimeoutError(), FileNotFoundError("Gone")])
def test_a_part_that_a_bucket_refuses_is_not_damaged(refusal: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a person would delete its predictions; such errors have no code."""
    output = open_folder("memory://parts")
    write_part(output, "part-000000.parquet", rows_of("a"))
    monkeypatch.setattr(MemoryFileSystem, "cat_file", mock.Mock(side_effect=refusal))
    for read in (read_predictions, drop_problems):
        with pytest.raises(UserError, match=f"at memory://.*, received: {str(refusal) or 'TimeoutError'}$"):
            read(output)


def test_rows_of_photos_that_are_gone_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    predictions = pd.DataFrame({"path": ["a", "b", "c"], "problem": [None] * 3})
    predict.report(["a"], predictions, "cnn")
    assert "rows of photos that no longer exist: 2" in caplog.text
