"""Predictions on a real Ray cluster: from a bucket to another, and failures: the file, the reason, and whose it is."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from fsspec.implementations.dirfs import DirFileSystem

from commands.cluster import batch_predict as predict
from commands.cluster.classification import Job
from commands.cluster.parquet import drop_problems, open_folder, read_predictions
from stages.common.cli import MachineError, UserError
from stages.common.params import ConfidenceSettings, Resources
from stages.inference.model_file import fetch_model_file
from tests.commands.small_model import save_small_model
from tests.conftest import PROJECT, write_photos
from tests.project import run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.use_.* is deprecated:DeprecationWarning")]

RESOURCES = Resources(cpus=1, gpus=0, memory_gib=0.5)


class UnpicklableError(Exception):  # as some of fsspec's file systems have them
    def __init__(self, text: str, code: int) -> None:
        super().__init__(f"{text} {code}")


ERRORS: dict[str, Callable[[str], Exception]] = {
    "disk": lambda file: OSError(errno.EIO, "Input/output error", file),
    "full": lambda file: OSError(errno.ENOSPC, "No space left on device", file),
    "memory": lambda _: MemoryError(),
    "bug": lambda _: KeyError("missing"),
    "foreign": lambda _: UnpicklableError("server says", 7),
}


class Faulty(DirFileSystem):
    """Remote folder of which one file cannot be read or written; of photos, its errors do not name the file."""

    def __init__(self, folder: str, kind: str, name: str) -> None:
        super().__init__(fs=open_folder(folder), fo="")
        self.kind, self.name = kind, name

    def reach(self, path: str) -> None:
        if self.name in path:
            if self.kind == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ERRORS[self.kind](path if path.startswith((".", "_")) else "")

    def open(self, path: str, **options: Any) -> Any:
        self.reach(path)
        return super().open(path, **options)

    def pipe_file(self, path: str, content: bytes) -> None:
        self.reach(path)
        super().pipe_file(path, content)


@pytest.fixture(scope="module")
def local_ray(s3: None) -> Iterator[None]:
    """A cluster of this process, of which the nodes reach a bucket, as the process does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{PROJECT}:{Path(__file__).parent}")  # where the workers look for this module
        ray.init("local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
        yield
        ray.shutdown()


@pytest.mark.usefixtures("local_ray")
def test_photos_of_a_bucket_are_classified_into_one(workspace: Path) -> None:
    save_small_model("small", ["ants", "bees"])
    write_photos(Path("photos"), 2)
    photos, output = open_folder("s3://photos"), open_folder("s3://predictions/of/photos")
    for bucket in ("photos", "predictions"):
        photos.fs.mkdir(bucket)
    for path in Path("photos").iterdir():
        photos.pipe_file(path.name, path.read_bytes())
    photos.pipe_file("notes.txt", b"no photo")
    paths = sorted(photos.find(""))
    predict.predict_photos(paths, Job(fetch_model_file("small"), ConfidenceSettings(), 1, photos, output), RESOURCES, 0)
    predictions = read_predictions(output)
    assert predictions["path"].tolist() == paths == ["0.jpg", "1.jpg", "notes.txt"]
    assert predictions["problem"].dropna().tolist() == ["cannot be decoded: is a text file"]
    assert drop_problems(output) == {"0.jpg", "1.jpg"}


@pytest.mark.parametrize(
    ("kind", "name", "expected", "text"),
    [
        ("disk", "1.jpg", MachineError, r"1\.jpg: .*Input/output error"),
        ("memory", "1.jpg", MachineError, r"1\.jpg: MemoryError"),
        ("foreign", "1.jpg", RuntimeError, r"1\.jpg: server says 7"),
        ("full", "part", MachineError, ".*No space left on device: .*part-0"),
        ("user", "none", UserError, ".*expected a model that Keras .* can load"),
        ("bug", "part", RuntimeError, "'missing'"),
        ("killed", "1.jpg", MachineError, r"The worker died .* \(photos 0\.jpg to 1\.jpg\): run the same"),
    ],
)
@pytest.mark.usefixtures("local_ray")
def test_a_failed_prediction_names_file_and_reason(
    workspace: Path, kind: str, name: str, expected: type[Exception], text: str
) -> None:
    save_small_model("small", ["ants", "bees"])
    write_photos(Path("photos"), 2)
    model = fetch_model_file("small")
    if kind == "user":
        model = model._replace(content=b"no model")
    photos, output = (Faulty(str(workspace / folder), kind, name) for folder in ("photos", "out"))
    job = Job(model, ConfidenceSettings(), 1, photos, output)
    with pytest.raises(expected, match=rf"^{text}[^\n]*$") as raised:
        predict.predict_photos(["0.jpg", "1.jpg"], job, RESOURCES, retries=0)
    assert type(raised.value) is expected


def test_what_its_node_lacks_memory_for_ends() -> None:
    """By default, Ray would start it again for ever."""
    script = """if True:
        import time
        import commands.cluster
        import ray
        ray.init("local", _system_config={"memory_usage_threshold": 0.001}, include_dashboard=False)
        try:
            ray.get(ray.remote(max_retries=1)(lambda: time.sleep(60)).remote())
        except ray.exceptions.OutOfMemoryError:
            print("it ended")
    """
    assert "it ended" in run(PROJECT, sys.executable, "-c", script)
