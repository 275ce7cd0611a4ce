"""What the benchmarks run on; their measurements are for people to read."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import step_profile
from benchmarks.compare import benchmark_params
from stages.common.params import Params
from tests.conftest import PROJECT, edit_params, run_main
from tests.project import TINY


@pytest.mark.parametrize("own", [None, (Path("/photos.zip"), Path("/weights.h5"))])
@pytest.mark.parametrize(
    "changes",
    [{}, {**TINY, "download.photos_sha256": "0" * 64}, {"download.photos": "/heap", "download.labels": "/labels.csv"}],
)
def test_benchmarks_have_own_photos(workspace: Path, changes: dict[str, Any], own: tuple[Path, Path] | None) -> None:
    """Whatever params.yaml says: real photos at full size, synthetic images small."""
    edit_params(workspace / "params.yaml", changes)
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    checked = Params.model_validate(benchmark_params(params, own, epochs=3))
    backbone = checked.backbones["mobilenet_v2"]
    assert (checked.download.photos_sha256, checked.download.labels, checked.train.epochs) == (None, None, 3)
    if own:
        assert (checked.download.photos, backbone.weights) == ("/photos.zip", "/weights.h5")
        assert (checked.image_size, backbone.options) == ((160, 160), {"alpha": 1})
    else:
        assert (PROJECT / str(backbone.weights)).exists()
        assert (checked.image_size, backbone.options) == ((96, 96), {"alpha": 0.35})


@pytest.mark.slow
def test_a_step_s_operations_are_listed_with_their_sum(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_params(workspace / "params.yaml", TINY)
    run_main(step_profile, "cnn", "--steps", "2")
    _, _, *table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("| operation ")
    assert any("Conv2D" in line for line in table)
    assert table[-1].startswith("| all ")
