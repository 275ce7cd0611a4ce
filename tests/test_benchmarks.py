"""That the benchmarks run; what they measure is for people to read."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from benchmarks import reproducibility, step_profile
from benchmarks.compare import benchmark_params
from stages.common.params import Params
from tests.conftest import PROJECT, edit_params
from tests.project import TINY


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
    assert (checked.train.epochs, checked.image_size) == (3, (160, 160))
    assert checked.backbones["mobilenet_v2"].options == {"alpha": 1}


def test_a_benchmark_on_drawn_photos_is_small_whatever_params_yaml_says(params: Any) -> None:
    checked = Params.model_validate(benchmark_params(params, None, epochs=3))
    assert (PROJECT / str(checked.backbones["mobilenet_v2"].weights)).exists()
    assert checked.download.photos_sha256 is None
    assert checked.download.labels is None
    assert (checked.train.epochs, checked.image_size) == (3, (96, 96))
    assert checked.backbones["mobilenet_v2"].options == {"alpha": 0.35}


Printed = pytest.CaptureFixture[str]


@pytest.mark.slow
def test_what_repeatability_costs_is_measured(finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    seconds = {"repeatable": 3.0, "plain": 2.0}

    def run_here(command: list[str], **_options: Any) -> SimpleNamespace:
        """Run in this process, to start TensorFlow once; the seconds are of no consequence."""
        printed.append(capsys.readouterr().out)
        assert command[:3] == [sys.executable, "-m", "benchmarks.reproducibility"]
        monkeypatch.setattr(sys, "argv", command[2:])
        reproducibility.main()
        assert float(capsys.readouterr().out.splitlines()[-1]) > 0
        return SimpleNamespace(stdout=f"{seconds[command[-1]]}\n")

    printed: list[str] = []
    monkeypatch.chdir(finished)
    monkeypatch.setattr(subprocess, "run", run_here)
    monkeypatch.setattr(sys, "argv", ["benchmarks.reproducibility", "cnn", "--epochs=1", "--pairs=1"])
    reproducibility.main()
    printed.append(capsys.readouterr().out)
    assert "".join(printed).splitlines() == [
        "repeatable: 3.0 CPU s",
        "plain: 2.0 CPU s",
        "cnn, 1 epochs: repeatable / plain = 1.500",
    ]


@pytest.mark.slow
def test_a_step_s_operations_are_listed_with_their_sum(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    edit_params(workspace / "params.yaml", TINY)
    monkeypatch.setattr(sys, "argv", ["step_profile", "cnn", "--steps", "2"])
    step_profile.main()
    _, _, *table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("| operation ")
    assert any("Conv2D" in line for line in table)
    assert table[-1].startswith("| all ")
