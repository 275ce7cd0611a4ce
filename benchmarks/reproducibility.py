"""Measure what repeatable operations and backups cost: CPU seconds of training with and without them.

    python -m benchmarks.reproducibility [MODEL] [--epochs 2] [--pairs 3]

Trains on what `dvc repro features` stored, in a process for each run, with and without in turn. Prints a line per
run and the ratio of the medians.
"""

import resource
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pandas as pd

from stages.common.cli import command_parser, run


def train_once(name: str, epochs: int, repeatable: bool) -> float:
    """Train a model in this process, and return the CPU seconds (user and system) that it took."""
    from stages.common.params import load_params
    from stages.models.build import build_model
    from stages.models.runtime import keras, make_deterministic, set_precision
    from stages.storage.photo_lists import class_names, read_list
    from stages.train import load_examples
    from stages.training import loop as training
    from stages.training.callbacks import Checkpoint
    from stages.training.training_run import TrainingRun

    params = load_params()
    settings, config = params.train.model_copy(update={"epochs": epochs}), params.models[name]
    lists = {split: read_list(split) for split in ("train", "validation")}
    classes = class_names(lists["train"]["label"])
    train, validation = load_examples(config.features, lists, classes)
    if repeatable:
        make_deterministic(settings.seed)
    else:
        keras.utils.set_random_seed(settings.seed)
    set_precision(settings.precision, has_backbone=config.has_backbone)
    model = build_model(config, params.image_size, len(classes))
    before = cpu_seconds()
    with TemporaryDirectory() as folder, ExitStack() as patches:
        if not repeatable:
            patches.enter_context(patch.object(Checkpoint, "save"))
            patches.enter_context(patch.object(training, "training_key"))
        path = Path(folder, "backup.npz")
        paths = pd.Series(dtype=str)  # only linear classifiers read their groups
        run = TrainingRun(config, settings, params.image_size, classes, paths, train, validation, np.empty(0), path)
        training.train_model(model, run, path)
    return cpu_seconds() - before


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("model", nargs="?", default="cnn")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--kind", choices=["repeatable", "plain"], help="train once, in this process")
    args = parser.parse_args()
    if args.kind:
        print(train_once(args.model, args.epochs, args.kind == "repeatable"))  # noqa: T201
        return
    seconds: dict[str, list[float]] = {"repeatable": [], "plain": []}
    for kind in [*seconds] * args.pairs:
        command = [sys.executable, "-m", "benchmarks.reproducibility", *sys.argv[1:], "--kind", kind]
        finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
        seconds[kind].append(float(finished.stdout.splitlines()[-1]))
        print(f"{kind}: {seconds[kind][-1]:.1f} CPU s", flush=True)  # noqa: T201
    ratio = statistics.median(seconds["repeatable"]) / statistics.median(seconds["plain"])
    print(f"{args.model}, {args.epochs} epochs: repeatable / plain = {ratio:.3f}")  # noqa: T201


if __name__ == "__main__":
    run(main)
