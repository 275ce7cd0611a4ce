"""What `python -m stages.cluster.predict` does without a cluster; test_cluster.py runs it on one."""

import errno
import json
import os
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import ray
from PIL import Image

from stages.cluster import predict
from stages.cluster.nodes import task_options
from stages.cluster.parquet import (
    Row,
    claim,
    drop_problems,
    load_claimed,
    open_folder,
    parts_of,
    read_predictions,
    write_part,
)
from stages.common.params import Resources
from stages.common.paths import MODELS
from stages.common.program import UserError
from stages.inference.settings import ConfidenceSettings
from stages.predict.formats import columns
from stages.predict.model_file import fetch_model_file
from tests.conftest import write_photos
from tests.predict.small_model import SIZE, save_small_model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photos", "photos"), "expected OUTPUT outside of photos, where the photos are, received photos"),
        (("photos", "photos/predictions"), "expected OUTPUT outside of photos"),
        (
            ("nowhere://photos", "predictions"),
            "expected a path or a URL that fsspec reads, received 'nowhere://photos': ",
        ),
        (("nothing", "predictions"), "expected photos in nothing, found none"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_folders_that_cannot_be_are_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], message: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["predict", *arguments])
    with pytest.raises(UserError, match=f"^{message}"):
        predict.main()


@pytest.mark.usefixtures("workspace")
def test_a_folder_that_may_not_be_read_ends_it_before_anything_is_classified(
    monkeypatch: pytest.MonkeyPatch, without_access: Callable[[str], None]
) -> None:
    write_photos(Path("photos/private"), 1)
    write_photos(Path("photos"), 1)
    without_access(str(Path("photos/private").resolve()))
    monkeypatch.setattr(sys, "argv", ["predict", "photos", "output"])
    with pytest.raises(PermissionError, match="photos/private"):
        predict.main()


def test_a_cluster_without_room_to_decode_beside_the_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"Alive": True, "Resources": {"CPU": 2.0, "memory": 8 * 2**30}}
    monkeypatch.setattr(ray, "nodes", lambda: [node])
    monkeypatch.setattr(ray, "cluster_resources", lambda: node["Resources"])
    predict.check_resources(Resources(cpus=1, gpus=0, memory_gib=2))
    with pytest.raises(
        UserError, match=r"cannot classify photos: only 2 CPUs in all, where 2 classify photos and 1 decodes them$"
    ):
        predict.check_resources(Resources(cpus=2, gpus=0, memory_gib=2))
    with pytest.raises(UserError, match=r"cannot classify photos: no node has 1 CPUs, 1 GPUs and 2 GiB of memory"):
        predict.check_resources(Resources(cpus=1, gpus=1, memory_gib=2))


def test_a_task_reserves_what_is_looked_for_on_a_node() -> None:
    assert task_options(Resources(cpus=2, gpus=1, memory_gib=0.5)) == {"num_cpus": 2, "num_gpus": 1, "memory": 2**29}


class Bucket:
    """Files, of which some cannot be read."""

    def __init__(self, **files: bytes | OSError) -> None:
        self.files = files

    def cat_file(self, path: str) -> bytes:
        content = self.files[path]
        if isinstance(content, OSError):
            raise content
        return content

    def open(self, path: str, **_options: int) -> BytesIO:
        return BytesIO(self.cat_file(path))


def test_a_forbidden_file_is_listed_and_the_others_are_decoded() -> None:
    photo = BytesIO()
    Image.new("RGB", (20, 30), "white").save(photo, "PNG")
    bucket = Bucket(a=photo.getvalue(), b=PermissionError(errno.EACCES, "Permission denied"), c=b"no photo")
    part = predict.decode({"number": 0, "paths": ["a", "b", "c"]}, bucket, (2, 2), max_megapixels=1)
    assert part["problems"] == [
        "",
        "cannot be read: Permission denied",
        "cannot be decoded: cannot identify image file",
    ]
    assert part["pixels"].max(axis=(1, 2, 3)).tolist() == [255, 0, 0]


def test_a_film_of_many_gigabytes_is_not_read_whole(tmp_path: Path) -> None:
    for name, start in [("film.mp4", b"\0\0\0\x18ftypmp42"), ("large.jpg", b"\xff\xd8\xff")]:
        (tmp_path / name).write_bytes(start)
        os.truncate(tmp_path / name, 2**40)
    part = {"number": 0, "paths": ["film.mp4", "large.jpg"]}
    decoded = predict.decode(part, open_folder(str(tmp_path)), (2, 2), max_megapixels=1)
    assert decoded["problems"] == [
        "cannot be decoded: cannot identify image file",
        "is larger than any photo of 1 megapixels",
    ]


def test_a_fault_of_the_machine_ends_the_job() -> None:
    bucket = Bucket(a=OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output error"):
        predict.decode({"number": 0, "paths": ["a"]}, bucket, (2, 2), max_megapixels=1)


def test_parts_have_the_notes_that_the_settings_ask_for(workspace: Path) -> None:
    save_small_model("small", ["ants", "bees"])
    np.savez(MODELS / "small.npz", logits=np.array([[9.0, 0.0]]), labels=np.array([0]))
    unsure = ConfidenceSettings(abstention_accuracy=0.9)  # below the confidence of that photo
    for name, settings, notes in [("plain", ConfidenceSettings(), None), ("notes", unsure, ["unsure", None])]:
        model, output = fetch_model_file("small"), open_folder(str(workspace / name))
        claim(output, model, settings)
        pixels = np.zeros((2, *SIZE, 3), np.uint8)
        part = {"number": 0, "paths": ["a.jpg", "b.jpg"], "problems": ["", "cannot be read"], "pixels": pixels}
        predict.Predictor(output)(part)
        table = pd.read_parquet(workspace / name / "part-000000.parquet")
        assert (table["note"].replace({np.nan: None}).tolist() if "note" in table else None) == notes
        assert table["class"].isna().tolist() == [False, True]


def test_an_output_goes_on_only_with_the_model_and_settings_that_began_it(workspace: Path) -> None:
    save_small_model("small", ["ants", "bees"])
    model, output = fetch_model_file("small"), open_folder(str(workspace / "out"))
    plain, unsure = ConfidenceSettings(), ConfidenceSettings(abstention_accuracy=0.9)
    other_fit = model._replace(validation=b"of another training")
    claim(output, model, plain)
    claim(output, other_fit, plain)  # which nothing is fitted to
    with pytest.raises(UserError, match=r"found those of another model \(small\): choose another OUTPUT$"):
        claim(output, model._replace(content=b"another"), unsure)
    with pytest.raises(
        UserError, match=r'found those with other settings of confidence \({"temperature_scaling": false,.*}\): choose'
    ):
        claim(output, model, unsure)
    (workspace / "out/_about.json").write_text(json.dumps({"model": "small", "classes": ["ants", "bees"]}))
    claim(output, model, plain)  # begun before there were settings
    assert not load_claimed(output).confidence.gives_notes

    output = open_folder(str(workspace / "unsure"))
    claim(output, model, unsure)
    claim(output, model, unsure)
    with pytest.raises(UserError, match=r"found those with confidence fitted to another .npz beside the model: choose"):
        claim(output, other_fit, unsure)


def test_only_photos_with_a_problem_are_tried_again(tmp_path: Path) -> None:
    output = open_folder(str(tmp_path))
    good: list[Row] = [{"path": f"{n}.jpg", "class": "a", "probability": 1, "probability_a": 1} for n in range(3)]
    bad: list[Row] = [{"path": f"bad{n}.jpg", "problem": "cannot be read"} for n in range(2)]
    for number, rows in enumerate([good[:1], [*good[1:], bad[0]], bad[1:]]):
        write_part(output, number, rows, columns(["a"]))
    untouched = (tmp_path / "part-000000.parquet").stat().st_ino
    assert drop_problems(output) == {"0.jpg", "1.jpg", "2.jpg"}
    assert sorted(read_predictions(output)["path"]) == ["0.jpg", "1.jpg", "2.jpg"]
    assert sorted(parts_of(output)) == [0, 1]
    assert (tmp_path / "part-000000.parquet").stat().st_ino == untouched
