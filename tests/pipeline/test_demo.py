"""`make demo`: its scores, and the project around it, which it leaves as it is."""

import shutil
import sys
from itertools import product
from pathlib import Path

import pytest
import yaml
from dvc.utils.collections import merge_dicts

from commands.sample.photo_archive import draw, write_archive
from commands.sample.species import SPECIES
from stages import backbone, download, evaluate, features, pixels, split, thumbnails, train
from stages.common.params import load_params
from stages.inference.model_file import fetch_model_file
from stages.photos.decode import load_pixels
from stages.storage.photo_lists import read_split
from tests.conftest import PROJECT, SetParams, read_json, run_main
from tests.project import commit, lay_out, models_alone, run

UNLIKE = "unlike the training photos"


@pytest.mark.slow
def test_the_demo_s_best_model_beats_the_baseline(set_params: SetParams) -> None:
    """One of its five models, on half of its validation and test photos; CI checks the whole demo."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    merge_dicts(params, yaml.safe_load((PROJECT / "params.demo.yaml").read_text()))
    assert (params["train"]["epochs"], params["image_size"]) == (10, 96)
    set_params({**params, "models": {"transfer": params["models"]["transfer"]}})
    write_archive(Path("data/sample.zip"), ["cats", "dogs"], train=80, validation=75)
    shutil.copy(PROJECT / params["backbones"]["mobilenet_v2"]["weights"], "data")
    steps = [(download,), (backbone, "mobilenet_v2"), (thumbnails,), (split,), (pixels,), (features, "mobilenet_v2")]
    for step, *entry in [*steps, (train, "transfer"), (evaluate,)]:
        run_main(step, *map(str, entry))
    scores = read_json("metrics/models/transfer.json")
    assert scores["test"]["accuracy_low"] > 0.5, "of the baseline, beyond its confidence interval"
    assert scores["validation"]["accuracy"] > 0.75

    # Notes on animals that it never saw, beside those on cats and dogs.
    changes = {"abstention_accuracy": 0.95, "out_of_distribution_fraction": 0.01}
    trained = fetch_model_file("transfer").load(load_params().confidence.model_copy(update=changes))
    Path("others").mkdir()
    for species, number in product(SPECIES.keys() - trained.class_names, range(5)):
        draw(species, number, seed=0).save(f"others/{species}.{number}.jpg", quality=90)
    paths = list(read_split("test")["path"]), list(map(str, Path("others").iterdir()))
    known, unknown = (trained.classify(load_pixels(of, trained.image_size))["note"] for of in paths)
    for reason in ("unsure", UNLIKE):
        assert unknown.str.contains(reason).mean() > known.str.contains(reason).mean()
    assert known.str.contains(UNLIKE).mean() < 0.1 < unknown.str.contains(UNLIKE).mean()


@pytest.mark.slow
def test_the_demo_leaves_the_project_as_it_is(tmp_path: Path) -> None:
    """With uncommitted parameters and corrections, without a git identity, in a path with a space; then again."""
    folder = lay_out(tmp_path / "it's mine", models_alone("cnn"))
    overrides = yaml.safe_load((folder / "params.demo.yaml").read_text())
    overrides |= {"image_size": 48, "train": {"epochs": 1, "micro_batches": 1, "precision": "float32"}}
    (folder / "params.demo.yaml").write_text(yaml.safe_dump(overrides))
    (folder / "params.yaml").write_text((folder / "params.yaml").read_text().replace("epochs: 2", "epochs: 77"))
    (folder / "corrections.csv").write_text("path,label\ndata/raw/birds/1.jpg,birds\n")
    demo = folder / "commands/demo.py"
    demo.write_text(demo.read_text().replace("train=80, validation=150", "train=12, validation=10"))
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    (folder / ".venv/pipeline").touch()  # or make would install everything once more
    before = {name: (folder / name).read_bytes() for name in ("params.yaml", "corrections.csv")}
    status = run(folder, "git", "status", "--porcelain")

    first = run(folder, "make", "demo")
    assert "Running stage 'train@cnn'" in first
    assert "| cnn |" in first
    assert (folder / "demo/metrics/report.html").resolve().as_uri() in first
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert run(folder, "git", "status", "--porcelain") == status
    assert not (folder / "dvc.lock").exists()
    assert run(folder / "demo", "git", "status", "--porcelain") == ""
    demo_params = (folder / "demo/params.yaml").read_text()
    assert "epochs: 1" in demo_params, "the demo's own, whatever is not committed"

    (folder / "demo/notes.txt").write_text("mine")
    run(folder, "git", "checkout", "params.yaml")
    (folder / "params.yaml").write_text((folder / "params.yaml").read_text().replace("  cnn:", "  renamed:"))
    commit(folder)
    assert "| renamed |" in run(folder, "make", "demo"), "as for a pull request, after its base"
    assert (folder / "demo/notes.txt").read_text() == "mine"


def test_a_folder_that_is_not_a_demo_is_left_alone(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "project")
    (folder / "demo").mkdir()
    (folder / "demo/photo.jpg").write_text("mine")
    shown = run(folder, sys.executable, "-m", "commands.demo", check=False)
    assert "rename it" in shown
    assert (folder / "demo/photo.jpg").read_text() == "mine"
