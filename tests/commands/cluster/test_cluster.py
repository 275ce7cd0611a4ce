"""The commands on a real Ray cluster, of which nodes and processes are killed."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import ray
from dvc.repo import Repo
from dvc.utils.serialize import load_yaml
from ray.cluster_utils import Cluster

from commands.cluster import feature_shards
from stages import features, pixels, train
from stages.common.model_config import Augmentation
from stages.datasets.dataset import Dataset
from stages.datasets.feature_extraction import store_features
from stages.models.runtime import keras, layers
from stages.storage.arrays import temporary_array
from tests.conftest import edit_params, read_json, run_main, write_photos
from tests.project import commit, run, started

pytestmark = pytest.mark.slow

GIB = 2**30


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head that runs nothing and two nodes that run a step each."""
    with pytest.MonkeyPatch.context() as patch:
        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(2):
            started.add_node(num_cpus=1, memory=2 * GIB)
        patch.setenv("RAY_ADDRESS", started.address)
        yield started
        started.shutdown()


def share(folder: Path, remote: Path) -> Path:
    run(folder, "dvc", "remote", "add", "--default", "shared", str(remote))
    commit(folder)
    return folder


def find_worker(name: str) -> psutil.Process | None:
    """Return a process of Ray's that runs a task or an actor of this name."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.name().startswith("ray::") and name in "".join(process.cmdline()):
                return process
    return None


def read_until(process: "subprocess.Popen[str]", found: Callable[[str], bool]) -> str:
    """Read what a process prints up to a line, or to its end."""
    printed = ""
    for line in process.stdout or ():
        printed += line
        if found(line):
            break
    return printed


def error_in(output: str) -> str:
    """Return the last error; Ray may print after it, as where the disk is nearly full."""
    return [line for line in output.splitlines() if line.startswith("error: ")][-1]


def test_a_run_that_loses_a_node_ends_in_the_serial_lock_file(
    cluster: Cluster, small_project: Path, tmp_path: Path
) -> None:
    share(small_project, tmp_path / "remote")
    changes = {"models.cnn.dense_units": 16, "features.mobilenet_v2.seed": 1}  # both models and the features run again
    edit_params(small_project / "params.yaml", {**changes, "cluster.models": {"transfer": {"memory_gib": 3}}})
    doomed = cluster.add_node(num_cpus=1, memory=3 * GIB)
    with started(small_project, sys.executable, "-m", "commands.cluster") as process:
        printed = read_until(process, lambda line: "Running stage 'train@transfer'" in line)
        assert process.poll() is None, printed
        cluster.remove_node(doomed, allow_graceful=False)
        spare = cluster.add_node(num_cpus=1, memory=3 * GIB)
        printed += read_until(process, lambda _: False)
        assert process.wait() == 0, printed
    cluster.remove_node(spare)
    assert printed.count("Running stage 'train@transfer'") == 2
    assert not [line for line in printed.splitlines() if line.startswith("Running stage 'train@")], "trained here"

    # Run here, one after another, the steps write what the lock file says.
    for out in ("data/features", "data/models", "plots/history"):
        shutil.rmtree(out)
    pixels.main()
    for step, name in [(features, "mobilenet_v2"), (train, "cnn"), (train, "transfer")]:
        run_main(step, name)
    with Repo() as repo:
        assert not repo.status()
        names = [stage.addressing for stage in repo.index.stages]
    assert list(load_yaml("dvc.lock")["stages"]) == names, "not in the order of a serial run"


def test_lost_shards_are_computed_again(cluster: Cluster, small_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Ray alone, into the same bytes as on one machine."""
    monkeypatch.setenv("DVC_STAGE", "features@mobilenet_v2")
    monkeypatch.setenv("FEATURE_STORE", "")  # restored in the end
    monkeypatch.setattr(feature_shards, "MAX_BYTES", 2**17)  # 40 photos a task
    rng = np.random.default_rng(0)
    augmentation = Augmentation(flip="horizontal", rotation=0.2)
    photos = Dataset(rng.integers(0, 256, (100, 32, 32, 3), np.uint8), np.zeros(100), augmentation, seed=1)
    extractor = keras.Sequential([layers.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()])
    here, there = (temporary_array((200, 4), np.float32) for _ in range(2))

    def kill_a_worker() -> None:
        while not (worker := find_worker("extract")):
            time.sleep(0.01)
        worker.kill()

    with ThreadPoolExecutor() as pool:
        killed = pool.submit(kill_a_worker)
        environment = feature_shards.store(photos, extractor, there, "features")
        killed.result()
    ray.shutdown()
    assert store_features(photos, extractor, here, "features") == environment
    np.testing.assert_array_equal(there[np.arange(200)], here[np.arange(200)])


TRAINS = "Running stage 'train@cnn'"
UNITS = "models.cnn.dense_units"
SWEEP = (sys.executable, "-m", "commands.cluster.sweep", "cnn", "-S", f"{UNITS}=8", "-S", "train.seed=0,1,2")


def test_a_sweep_survives_kills_and_repeats_nothing(cluster: Cluster, small_project: Path, tmp_path: Path) -> None:
    share(small_project, tmp_path / "remote")
    doomed = cluster.add_node(num_cpus=1, memory=2 * GIB)
    with started(small_project, *SWEEP) as process:
        printed = ""
        for _ in range(3):
            printed += read_until(process, lambda line: TRAINS in line)
        assert process.poll() is None, printed
        cluster.remove_node(doomed, allow_graceful=False)
        printed += read_until(process, lambda line: ": done (" in line)
        assert process.poll() is None, printed

    output = run(small_project, *SWEEP)
    assert output.count(TRAINS) <= 3 - printed.count(": done ("), "trained twice"
    table = output[output.index("models.cnn.dense_units train.seed") :].splitlines()
    rows = [dict(zip(table[0].split(), line.split(), strict=True)) for line in table[1:4]]
    assert sorted(row["train.seed"] for row in rows) == ["0", "1", "2"]
    assert [row["status"] for row in rows] == ["finished"] * 3
    mean = np.mean([float(row["val_accuracy"]) for row in rows])
    assert f"The best setting: {UNITS}=8 (validation accuracy {mean:.3f}, seeds: 3)" in output

    [command] = [line.split(": ")[1] for line in output.splitlines() if "without training again: " in line]
    rerun = run(small_project, "bash", "-c", command)
    assert "Stage 'train@cnn' is cached" in rerun
    assert "Running stage 'train@" not in rerun
    [taken] = [row for row in rows if row["train.seed"] == "0"]
    history = read_json(small_project / "plots/history/cnn.json")
    assert history[-1]["val_accuracy"] == float(taken["val_accuracy"])


def test_a_user_s_mistake_is_not_tried_again(cluster: Cluster, small_project: Path, tmp_path: Path) -> None:
    share(small_project, tmp_path / "remote")
    edit_params(small_project / "params.yaml", {"models.cnn.learning_rate": 1e30})
    output = run(small_project, sys.executable, "-m", "commands.cluster", check=False)
    assert output.count("Running stage 'train@cnn'") == 1
    last = error_in(output)
    assert last.startswith("error: 1 of 1 step failed: train@cnn: `dvc repro")
    assert "expected a finite loss, received nan in epoch 1" in last


def test_problems_of_nodes_are_reported_before_anything_runs(
    cluster: Cluster, small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "older/pillow-0.1.dist-info").mkdir(parents=True)
    (tmp_path / "older/pillow-0.1.dist-info/METADATA").write_text("Name: pillow\nVersion: 0.1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "older"))  # which the nodes, started before, do not have
    edit_params(small_project / "params.yaml", {"models.cnn.dense_units": 16})
    output = run(small_project, sys.executable, "-m", "commands.cluster", check=False)
    last = error_in(output)
    assert last.startswith("error: `dvc push split pixels` on "), "which needs a remote"
    assert "no remote specified" in last

    share(small_project, Path("../remote"))  # which is another folder wherever a node unpacks the project
    output = run(small_project, sys.executable, "-m", "commands.cluster", check=False)
    assert "expected the caller's default DVC remote" in error_in(output)
    assert f"pillow {version('pillow')} instead of 0.1" in output
    assert "Running stage" not in output
    assert "Traceback" not in output


def test_each_photo_is_classified_once_despite_kills(cluster: Cluster, small_project: Path, tmp_path: Path) -> None:
    """Of the caller, and then of the process with the model."""
    photos, output = tmp_path / "photos", tmp_path / "predictions"
    write_photos(photos, 1600)
    in_each_part = sorted(photos.iterdir())[::100]
    for path in in_each_part:
        path.write_text("no photo")
    (photos / "linked.jpg").symlink_to("nowhere.jpg")
    command = (sys.executable, "-m", "commands.cluster.batch_predict", str(photos), str(output), "--model", "cnn")
    with started(small_project, *command) as process:
        while not list(output.glob("part-*.parquet")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
    early = pd.read_parquet(output).set_index("path")
    assert len(early) < 1601
    assert "cannot be decoded: is a text file" in set(early["problem"])

    for path in in_each_part:
        shutil.copy(photos / "7.jpg", path)
    with started(small_project, *command) as process:
        while not (worker := find_worker("classify_part")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        worker.kill()
        printed, _ = process.communicate(timeout=600)
    assert process.returncode == 1
    [done] = re.findall(r"photos: 1601, already classified: (\d+)", printed)
    assert early["problem"].isna().sum() <= int(done) < 1600
    assert "linked.jpg: cannot be read: No such file or directory" in printed
    assert error_in(printed).startswith("error: 1 of 1601 files cannot be decoded")
    predictions = pd.read_parquet(output).set_index("path").sort_index()
    assert predictions.index.tolist() == sorted(path.name for path in photos.iterdir())
    assert predictions["problem"].dropna().index.tolist() == ["linked.jpg"]
    classified = early[early["problem"].isna()]
    pd.testing.assert_frame_equal(predictions.loc[classified.index], classified)
