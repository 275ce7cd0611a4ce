"""Shared fixtures: an empty folder with parameters, finished runs, and small photos."""

import errno
import json
import logging
import os
import shutil
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # expected values are a CPU's; TensorFlow reads this at its start
os.environ["DVC_NO_ANALYTICS"] = "1"  # or each `dvc` in a test reports itself, and leaves a file in /tmp

from stages.common.cli import logger
from stages.common.paths import RAW, SPLITS
from stages.data import fetch

PROJECT = Path(__file__).parents[1]
PHOTOS = Path("photos")  # of a user, for `pack_photos`
SetParams = Callable[..., None]  # the fixture `set_params`
CNN = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]["cnn"]
TINY_CNN = {**CNN, "conv_layers": 1, "filters": 2, "dense_units": 2}
CNN_ALONE = {"models": {"cnn": CNN}, "features": {}, "backbones": {}, "label_issues": {}}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=1, help="how often test_soak.py kills the pipeline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that two processes end together; the first two make the shared runs."""
    longest = "pipeline cluster docs backbones loop demo soak review_page"
    order = {f"test_{name}.py": index for index, name in enumerate(longest.split())}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(autouse=True)
def default_settings() -> Iterator[None]:
    """Undo the log level that ``run`` sets and Keras's dtype policy, and close figures: they outlive a test."""
    yield
    logger.setLevel(logging.NOTSET)
    if keras := sys.modules.get("keras"):
        keras.config.set_dtype_policy("float32")
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty current folder with the project's parameters."""
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def set_params(workspace: Path) -> Callable[..., None]:
    """Change parameters, as ``set_params({"train.epochs": 1})``."""
    return lambda changes: edit_params(workspace / "params.yaml", changes)


@pytest.fixture
def without_access(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Forbid to read a folder, also to root, who may read all."""
    scandir = os.scandir

    def forbid(folder: str) -> None:
        def refuse(path: Any = ".") -> Any:
            if not isinstance(path, int) and Path(path) == Path(folder):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)

    return forbid


@pytest.fixture
def eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train without tracing, which takes longer than tiny trainings do; test_steps.py and whole pipelines trace."""
    from stages.models.runtime import keras

    monkeypatch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, run_eagerly=True))


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a moment where a user waits for a minute."""
    monkeypatch.setattr(fetch, "RETRY_DELAYS_S", (0.1, 0.1, 0.1))
    monkeypatch.setattr(fetch, "READ_TIMEOUT_S", 2)


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    """A server of buckets on this machine, whose address and keys are in the environment."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server", exc_type=ImportError).ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            patch.setenv(f"AWS_{name}", "key")
        patch.setattr("s3fs.S3FileSystem.cachable", False)  # or one would go on to ask another module's server
        yield
    server.stop()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after its first run, committed. Tests leave it as it is."""
    from tests import project  # which imports this file

    return project.first_run("finished", ["dvc", "repro"], tmp_path_factory)


@pytest.fixture(scope="session")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with two of its models, trained in parallel on one core, and without label issues."""
    from tests import project

    changes = project.models_alone("cnn", "transfer")
    changes |= {"features": {"mobilenet_v2": changes["features"]["mobilenet_v2"]}, "label_issues": {}}
    one_core = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))] if sys.platform == "linux" else []
    return project.first_run("two models", [*one_core, "make", "--jobs", "2", "repro"], tmp_path_factory, changes)


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy of ``finished`` that a test may change, as the current folder."""
    monkeypatch.chdir(shutil.copytree(finished, tmp_path / "project", symlinks=True))
    return Path.cwd()


@pytest.fixture
def small_project(two_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy of ``two_models`` that a test may change, as the current folder."""
    monkeypatch.chdir(shutil.copytree(two_models, tmp_path / "project", symlinks=True))
    return Path.cwd()


@contextmanager
def less_memory_than(limit: float) -> Iterator[None]:
    """Check that Python takes fewer bytes for what happens inside."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit  # the peak
    finally:
        tracemalloc.stop()


def run_main(program: Any, *arguments: str) -> None:
    """Run a step or a command as ``python -m`` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [program.__name__, *arguments])
        program.main()


def read_json(path: str | Path) -> Any:
    return json.loads(Path(path).read_text())


def edit_params(path: Path, changes: dict[str, Any]) -> None:
    content = yaml.safe_load(path.read_text())
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        section = content
        for name in sections:
            section = section.setdefault(name, {})
        section[key] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def pack_photos(folder: Path = PHOTOS, raw: Path = RAW) -> None:
    """Pack the files of a folder into shards in ``raw``, as ``download`` does."""
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    fetch.Source(str(folder), "download.photos").pack_folder(raw)


def packed_files(raw: Path = RAW) -> dict[str, bytes]:
    """Read the files in the shards in ``raw`` by another program's code than the pipeline's."""
    shards = [ZipFile(path) for path in sorted(raw.glob("*.zip"))]
    return {name: shard.read(name) for shard in shards for name in shard.namelist()}


def write_list(name: str, **columns: Any) -> None:
    """Write a list of photos as ``split`` does."""
    SPLITS.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(SPLITS / f"{name}.csv", index=False)


def write_photos(folder: Path, count: int, first: int = 0, width: int = 30, suffix: str = ".jpg") -> None:
    """Write small random photos 0.jpg, 1.jpg, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        rng = np.random.default_rng([number, *"/".join(folder.parts[-2:]).encode()])
        Image.fromarray(rng.integers(0, 256, (20, width, 3), np.uint8)).save(folder / f"{number}{suffix}")
