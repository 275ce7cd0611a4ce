"""That the benchmarks run; what they measure is for people to read."""

import sys
from pathlib import Path

import pytest

from tests.conftest import edit_params
from tests.project import run

pytestmark = pytest.mark.slow


def test_what_repeatability_costs_is_measured(project: Path) -> None:
    printed = run(project, sys.executable, "-m", "benchmarks.reproducibility", "cnn", "--epochs=1", "--pairs=1")
    kinds = [line.split(":")[0] for line in printed.splitlines() if line.endswith(" CPU s")]
    assert kinds == ["repeatable", "plain"]
    assert "cnn, 1 epochs: repeatable / plain = " in printed


def test_a_step_s_operations_are_listed_with_the_convolutions_first(project: Path) -> None:
    edit_params(project / "params.yaml", {"train.precision": "float32"})
    printed = run(project, sys.executable, "-m", "benchmarks.step_profile", "cnn", "--steps", "2")
    assert "Conv2D" in printed
    assert "all" in printed.splitlines()[-1]
