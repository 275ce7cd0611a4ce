"""Costs of models: counts, which are reproducible, for the report; measurements for a table that is not tracked."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from stages.common.cli import logger
from stages.common.machine import read_measurements
from stages.common.model_config import Features
from stages.common.paths import COSTS_TABLE, MODELS
from stages.evaluation.report import markdown_table
from stages.evaluation.results import Cost, Evaluation
from stages.inference.prediction import Size, architecture
from stages.storage.files import sha256_of, write_text

TRAINING_STEP = 3  # times a prediction: forwards, and the gradients by features and by weights
MEASURED = {"features_s": "features, s", "train_s": "training, s", "ms_1": "a photo, ms", "ms_32": "in batches of 32"}


def cost_of(path: Path, size: Size, features: Features | None, epochs: int, photos: Mapping[str, int]) -> Cost:
    """Count what a saved model costs, trained on ``features`` (None: pixels); ``photos`` counts those of each split."""
    views = features.views if features else 0
    extraction = size.backbone_multiply_adds * (views * photos["train"] + photos["validation"])
    epoch = size.other_multiply_adds * (TRAINING_STEP * photos["train"] + photos["validation"])
    prediction = size.backbone_multiply_adds + size.other_multiply_adds
    return Cost(path.stat().st_size / 1e6, size.parameters, prediction, extraction + epochs * epoch)


def write_measured(models: list[Evaluation]) -> None:
    """Log and write the times measured on this machine, which are no output of DVC, as they differ in each run."""
    rows = []
    for model in models:
        path = MODELS / f"{model.name}.keras"
        layers = architecture(path)
        values = {**read_measurements(f"train@{model.name}", sha256_of(path)), **read_measurements(layers, layers)}
        if values:
            accuracy = f"{model.scores['test']['accuracy']:.3f}"
            rows.append({"model": model.name, "test accuracy": accuracy, **values})
    COSTS_TABLE.unlink(missing_ok=True)
    if rows:
        table = pd.DataFrame(rows, columns=["model", "test accuracy", *MEASURED])
        table[list(MEASURED)] = table[list(MEASURED)].map(lambda value: "" if pd.isna(value) else f"{value:.1f}")
        table = table.rename(columns=MEASURED)
        write_text(f"# Measured on this machine, in CPU time\n\n{markdown_table(table)}\n", COSTS_TABLE)
        logger.info("measured on this machine, in CPU time:\n%s", table.to_string(index=False))
