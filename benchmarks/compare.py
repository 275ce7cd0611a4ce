"""The notebook's workflow and this pipeline in one run: the same photos, models and epochs.

    python -m benchmarks.compare [--photos ARCHIVE.zip --backbone WEIGHTS.h5] [--epochs 2] [--jobs 2]

Without photos: drawn ones, small. Works on a copy of the project in a temporary folder, and prints tables in
Markdown: seconds of the processor (user and system) and by the clock, the most memory that one process held, and
accuracy, for each model and in all; then what DVC adds, and what each step's start costs.
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

import pandas as pd
import yaml

PROJECT = Path(__file__).parents[1]
STEPS = ["download", "split", "label_stats", "train", "evaluate"]


def measure(
    command: Sequence[str | Path], folder: Path, output: int = subprocess.DEVNULL
) -> tuple[dict[str, float], str]:
    """Run a command, and measure it with all processes that it starts.

    Returns:
        Seconds ``wall`` and ``cpu``, and ``mib``, the most that one of the processes held; and what it printed, if
        ``output`` is a pipe.
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


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the arguments, with those that say which photos to use."""
    parser.add_argument("--photos", type=Path, metavar="ARCHIVE", help="with --backbone; default: drawn ones")
    parser.add_argument("--backbone", type=Path, metavar="WEIGHTS")
    args = parser.parse_args()
    if bool(args.photos) != bool(args.backbone):
        parser.error("expected --photos and --backbone together")
    return args


def lay_out(folder: Path, args: argparse.Namespace, epochs: int) -> dict[str, Any]:
    """Copy the project, with parameters for this run, and return them."""
    folder.mkdir()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, stdout=subprocess.PIPE)  # noqa: S607
    for name in tracked.stdout.decode().rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((PROJECT / name).read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)  # noqa: S607

    params: dict[str, Any] = yaml.safe_load((folder / "params.yaml").read_text())
    params["models"] = {name: params["models"][name] for name in ("cnn", "augmented", "preprocessed", "transfer")}
    params["train"]["epochs"] = epochs
    params["download"]["photos_sha256"] = params["download"]["backbone_sha256"] = None
    if args.photos:
        params["download"]["photos"] = str(args.photos.resolve())
        params["download"]["backbone"] = str(args.backbone.resolve())
    else:
        measure([sys.executable, "-m", "stages.sample", "--output", "data/sample.zip"], folder)
        params["download"]["photos"] = "data/sample.zip"
        params["download"]["backbone"] = "data/sample_backbone.weights.h5"
        params["models"]["transfer"]["backbone_width"] = 0.35
        params["train"]["image_size"] = [96, 96]
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return params


def run_notebook(folder: Path, params: dict[str, Any]) -> pd.DataFrame:
    """Run the notebook's workflow on the photos that ``download`` has unpacked."""
    [train] = sorted(path for path in (folder / "data/raw").rglob("train") if path.is_dir())
    command = [sys.executable, "-m", "benchmarks.notebook_workflow", train.parent, params["download"]["backbone"]]
    options = {
        "epochs": params["train"]["epochs"],
        "size": params["train"]["image_size"][0],
        "width": params["models"]["transfer"]["backbone_width"],
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    _, printed = measure(command, folder, subprocess.PIPE)
    return pd.DataFrame(json.loads(printed)).set_index("model")


def run_pipeline(folder: Path, params: dict[str, Any], jobs: int) -> pd.DataFrame:
    """Run the pipeline's steps, ``jobs`` models side by side."""
    start = time.perf_counter()
    rows = {"before training": measure(["dvc", "repro", "label_stats"], folder)[0]}

    def train(name: str) -> dict[str, float]:
        cost, _ = measure(["dvc", "--wait-for-lock", "repro", "--single-item", f"train@{name}"], folder)
        sys.stderr.write(f"pipeline: {name}: {cost['cpu']:.0f} CPU s\n")
        return cost

    with ThreadPoolExecutor(jobs) as pool:
        rows |= dict(zip(params["models"], pool.map(train, params["models"]), strict=True))
    rows["evaluate"] = measure(["dvc", "repro"], folder)[0]
    for name in params["models"]:
        validation = [record["val_accuracy"] for record in read_json(folder / f"plots/history/{name}.json")]
        test = read_json(folder / f"metrics/models/{name}.json")["test"]["accuracy"]
        rows[name] |= {"last": validation[-1], "best": max(validation), "test": test}
    table = pd.DataFrame(rows).T
    table.loc["all"] = {
        "cpu": table["cpu"].sum(),
        "wall": time.perf_counter() - start,
        "mib": table["mib"].max(),
    }
    return table


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def side_by_side(notebook: pd.DataFrame, pipeline: pd.DataFrame) -> pd.DataFrame:
    """Lay the two out beside each other, with their ratios."""
    names = [*dict.fromkeys([*notebook.index[:-1], *pipeline.index[:-1]]), "all"]
    rows = []
    for name in names:
        row: dict[str, str] = {"": name}
        both = [table.loc[name] if name in table.index else None for table in (notebook, pipeline)]
        for column, title, digits in [("cpu", "CPU s", 0), ("wall", "wall s", 0), ("mib", "MiB", 0)]:
            values = [None if of is None else float(of[column]) for of in both]
            row[f"{title}: notebook"], row["here"] = (f"{v:.{digits}f}" if v is not None else "" for v in values)
            row[f"{title}: here"] = row.pop("here")
            if None not in values:
                row[f"{title}: ratio"] = f"{values[1] / values[0]:.2f}"  # type: ignore[operator]
        for column in ("last", "best", "test"):
            values = [None if of is None else float(of.get(column, float("nan"))) for of in both]
            if all(value is not None and value == value for value in values):
                row[f"{column}: notebook"], row[f"{column}: here"] = (f"{value:.3f}" for value in values)
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def start_ups(folder: Path) -> pd.DataFrame:
    """Measure a `dvc repro` with nothing to do, and the imports of each step."""
    rows = {"dvc repro, nothing to do": measure(["dvc", "repro"], folder)[0]}
    for step in STEPS:
        rows[f"start of {step}"] = measure([sys.executable, "-c", f"import stages.{step}"], folder)[0]
    return pd.DataFrame(rows).T[["cpu", "wall", "mib"]].round(2).reset_index(names="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2, help="models side by side")
    args = parse(parser)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        params = lay_out(folder, args, args.epochs)
        measure(["dvc", "repro", "download"], folder)
        notebook = run_notebook(folder, params)
        pipeline = run_pipeline(folder, params, args.jobs)
        for table in (side_by_side(notebook, pipeline), start_ups(folder)):
            print(table.to_markdown(index=False, disable_numparse=True), end="\n\n")  # noqa: T201


if __name__ == "__main__":
    main()
