"""That the benchmarks run; what they measure is for people to read."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.compare import benchmark_params
from stages.common.params import Params
from tests.conftest import PROJECT, edit_params
from tests.project import TINY, run


@pytest.fixture(params=["real", "after make demo", "own photos"])
def params(request: pytest.FixtureRequest, workspace: Path) -> Any:
    """The parameters of a clone, those that `make demo` leaves, or a user's."""
    if request.param == "after make demo":
        edit_params(workspace / "params.yaml", {**TINY, "download.photos_sha256": "0" * 64})
    if request.param == "own photos":
        edit_params(workspace / "params.yaml", {"download.photos": "/heap", "download.labels": "/labels.csv"})
    return yaml.safe_load((workspace / "params.yaml").read_text())


def test_a_benchmark_on_real_photos_is_at_full_size_whatever_params_yaml_says(params: Any) -> None:
    checked = Params.model_validate(benchmark_params(params, (Path("/photos.zip"), Path("/weights.h5")), epochs=3))
    assert (checked.download.photos, checked.backbones["mobilenet_v2"].weights) == ("/photos.zip", "/weights.h5")
    assert checked.download.photos_sha256 is None
    assert checked.download.labels is None
    assert (checked.train.epochs, checked.train.image_size) == (3, (160, 160))
    assert checked.backbones["mobilenet_v2"].options == {"alpha": 1}


def test_a_benchmark_on_drawn_photos_is_small_whatever_params_yaml_says(params: Any) -> None:
    checked = Params.model_validate(benchmark_params(params, None, epochs=3))
    assert (PROJECT / str(checked.backbones["mobilenet_v2"].weights)).exists()
    assert checked.download.photos_sha256 is None
    assert checked.download.labels is None
    assert (checked.train.epochs, checked.train.image_size) == (3, (96, 96))
    assert checked.backbones["mobilenet_v2"].options == {"alpha": 0.35}


@pytest.mark.slow
def test_what_repeatability_costs_is_measured(project: Path) -> None:
    printed = run(project, sys.executable, "-m", "benchmarks.reproducibility", "cnn", "--epochs=1", "--pairs=1")
    kinds = [line.split(":")[0] for line in printed.splitlines() if line.endswith(" CPU s")]
    assert kinds == ["repeatable", "plain"]
    assert "cnn, 1 epochs: repeatable / plain = " in printed


@pytest.mark.slow
def test_a_step_s_operations_are_listed_with_the_convolutions_first(project: Path) -> None:
    edit_params(project / "params.yaml", {"train.precision": "float32"})
    printed = run(project, sys.executable, "-m", "benchmarks.step_profile", "cnn", "--steps", "2")
    assert "Conv2D" in printed
    assert "all" in printed.splitlines()[-1]
