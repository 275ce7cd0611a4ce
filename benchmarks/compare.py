"""Compare the notebook's workflow with this pipeline: the same photos, models and epochs.

    python -m benchmarks.compare [--photos ARCHIVE.zip --backbone WEIGHTS.h5] [--epochs 2] [--jobs 1]

Without photos: synthetic ones, small. Runs in a copy of the project in a temporary folder. Prints tables in Markdown:
CPU seconds (user and system) and wall-clock seconds, the most memory that one process held, and accuracy, for each
model and in all; then the time of a `dvc repro` with nothing to do, and of each step's imports.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import pandas as pd
import yaml

from stages.common.cli import command_parser, run

PROJECT = Path(__file__).parents[1]
STEPS = ["download", "thumbnails", "split", "label_stats", "features", "train", "evaluate"]
MODELS = ["cnn", "augmented", "preprocessed", "transfer"]  # those of the notebook
SAMPLE = "data/sample.zip"


def measure(
    command: Sequence[str | Path], folder: Path, output: int = subprocess.DEVNULL
) -> tuple[dict[str, float], str]:
    """Run a command and measure it, together with all processes that it starts.

    Returns:
        Seconds ``wall`` and ``cpu``, and ``mib``, the most memory that one of the processes held; and what it printed
        if ``output`` is a pipe.
    """
    start = time.perf_counter()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen(command, cwd=folder, stdout=output, text=True, env=environment)  # noqa: S603
    printed = process.stdout.read() if process.stdout else ""
    _, status, spent = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, [str(word) for word in command])
    wall = time.perf_counter() - start
    return {"wall": wall, "cpu": spent.ru_utime + spent.ru_stime, "mib": spent.ru_maxrss / 1024}, printed


def add_photo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=Path, metavar="ARCHIVE", help="with --backbone; default: synthetic ones")
    parser.add_argument("--backbone", type=Path, metavar="WEIGHTS", help="of MobileNetV2 at its full width")


def chosen_photos(args: argparse.Namespace) -> tuple[Path, Path] | None:
    """Return the archive of photos and the backbone's weights that the user named; None: the synthetic ones."""
    if bool(args.photos) != bool(args.backbone):
        sys.exit("error: expected --photos and --backbone together")
    return (args.photos.resolve(), args.backbone.resolve()) if args.photos else None


def benchmark_params(params: dict[str, Any], photos: tuple[Path, Path] | None, epochs: int) -> dict[str, Any]:
    """Set the parameters of a benchmark, whether ``params`` name real photos or synthetic ones."""
    download = params["download"] | {"photos_sha256": None, "labels": None}
    if photos:
        archive, weights = map(str, photos)
        size, width = 160, 1.0
    else:
        archive, weights = SAMPLE, "data/sample_backbone.weights.h5"
        size, width = 96, 0.35
    models = {name: dict(params["models"][name]) for name in MODELS}
    used = {config["features"] for config in models.values()}
    features = {name: dict(entry) for name, entry in params["features"].items() if name in used}
    for entry in features.values():
        entry["views"] = min(entry["views"], epochs)  # more would never be used
    backbone = params["backbones"]["mobilenet_v2"] | {"weights": weights, "sha256": None, "options": {"alpha": width}}
    return params | {
        "download": download | {"photos": archive},
        "backbones": {"mobilenet_v2": backbone},
        "features": features,
        "label_issues": {},
        "models": models,
        "train": params["train"] | {"epochs": epochs},
        "image_size": size,
    }


def lay_out(folder: Path, photos: tuple[Path, Path] | None, epochs: int) -> dict[str, Any]:
    """Copy the project to a new folder, with parameters for this run, and return them."""
    folder.mkdir()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, stdout=subprocess.PIPE)  # noqa: S607
    for name in tracked.stdout.decode().rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((PROJECT / name).read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)  # noqa: S607
    if photos is None:
        measure([sys.executable, "-m", "commands.sample", "--output", SAMPLE], folder)
    params = benchmark_params(yaml.safe_load((folder / "params.yaml").read_text()), photos, epochs)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return params


def run_notebook(folder: Path, params: dict[str, Any]) -> pd.DataFrame:
    """Run the notebook's workflow on the photos that `download` packed."""
    for shard in sorted((folder / "data/raw").glob("*.zip")):
        ZipFile(shard).extractall(folder / "photos")
    [train] = sorted(path for path in (folder / "photos").rglob("train") if path.is_dir())
    backbone = params["backbones"]["mobilenet_v2"]
    command = [sys.executable, "-m", "benchmarks.notebook_workflow", train.parent, backbone["weights"]]
    options = {"epochs": params["train"]["epochs"], "size": params["image_size"], "width": backbone["options"]["alpha"]}
    command += [f"--{name}={value}" for name, value in options.items()]
    _, printed = measure(command, folder, subprocess.PIPE)
    return pd.DataFrame(json.loads(printed)).set_index("model")


def run_pipeline(folder: Path, params: dict[str, Any], jobs: int) -> pd.DataFrame:
    """Run the pipeline's steps, ``jobs`` models side by side."""
    start = time.perf_counter()
    rows = {"lists": measure(["dvc", "repro", "label_stats", "backbone"], folder)[0]}

    def reproduce(step: str) -> dict[str, float]:
        cost, _ = measure(["dvc", "--wait-for-lock", "repro", "--single-item", step], folder)
        sys.stderr.write(f"pipeline: {step}: {cost['cpu']:.0f} CPU s\n")
        return cost

    rows["pixels"] = reproduce("pixels")
    features = [f"features@{name}" for name in params["features"]]
    with ThreadPoolExecutor(jobs) as pool:
        rows |= dict(zip(features, pool.map(reproduce, features), strict=True))
        costs = pool.map(reproduce, [f"train@{name}" for name in params["models"]])
        rows |= dict(zip(params["models"], costs, strict=True))
    rows["evaluate"] = measure(["dvc", "repro"], folder)[0]
    for name in params["models"]:
        validation = [record["val_accuracy"] for record in read_json(folder / f"plots/history/{name}.json")]
        test = read_json(folder / f"metrics/models/{name}.json")["test"]["accuracy"]
        rows[name] |= {"last": validation[-1], "best": max(validation), "test": test}
    table = pd.DataFrame(rows).T
    table.loc["all"] = {"cpu": table["cpu"].sum(), "wall": time.perf_counter() - start, "mib": table["mib"].max()}
    return table


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def side_by_side(notebook: pd.DataFrame, pipeline: pd.DataFrame) -> pd.DataFrame:
    """Put the costs and accuracies of both beside each other, with the costs' ratios; "" where one has none."""
    names = [*dict.fromkeys([*notebook.index[:-1], *pipeline.index[:-1]]), "all"]
    table = pd.DataFrame({"": names})
    for column, title in {"cpu": "CPU s", "wall": "wall s", "mib": "MiB"}.items():
        there, here = notebook[column].reindex(names), pipeline[column].reindex(names)
        table[f"{title}: notebook"] = formatted(there, "{:.0f}")
        table[f"{title}: here"] = formatted(here, "{:.0f}")
        table[f"{title}: ratio"] = formatted(here / there, "{:.2f}")
    for column in ("last", "best", "test"):
        table[f"{column}: notebook"] = formatted(notebook[column].reindex(names), "{:.3f}")
        table[f"{column}: here"] = formatted(pipeline[column].reindex(names), "{:.3f}")
    return table


def formatted(numbers: "pd.Series[float]", pattern: str) -> list[str]:
    return ["" if pd.isna(number) else pattern.format(number) for number in numbers]


def start_ups(folder: Path) -> pd.DataFrame:
    """Measure a `dvc repro` with nothing to do, and the imports of each step."""
    rows = {"dvc repro, nothing to do": measure(["dvc", "repro"], folder)[0]}
    for step in STEPS:
        rows[f"start of {step}"] = measure([sys.executable, "-c", f"import stages.{step}"], folder)[0]
    return pd.DataFrame(rows).T[["cpu", "wall", "mib"]].round(2).reset_index(names="")


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1, help="models side by side")
    add_photo_options(parser)
    args = parser.parse_args()
    photos = chosen_photos(args)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        params = lay_out(folder, photos, args.epochs)
        measure(["dvc", "repro", "download"], folder)
        notebook = run_notebook(folder, params)
        pipeline = run_pipeline(folder, params, args.jobs)
        for table in (side_by_side(notebook, pipeline), start_ups(folder)):
            print(table.to_markdown(index=False, disable_numparse=True), end="\n\n")  # noqa: T201


if __name__ == "__main__":
    run(main)
