"""What models cost: by counts, which repeat, for the report; by measurements, which do not, for a table of its own."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.common.machine import read_measurements
from stages.common.model_config import Features
from stages.inference.model_size import Size, architecture
from stages.storage.files import sha256_of

TRAINING_STEP = 3  # times a prediction: forwards, and the gradients by features and by weights
MEASURED = {
    "features_s": "CPU s: features",
    "train_s": "training",
    "ms_1": "CPU ms a photo: one by one",
    "ms_32": "in batches of 32",
}


class Cost(NamedTuple):
    """Counts, the same on every machine."""

    megabytes: float  # of the saved model
    parameters: int
    multiply_adds: int  # to classify a photo
    training_multiply_adds: int  # features of all views included


def cost_of(path: Path, size: Size, features: Features | None, epochs: int, photos: Mapping[str, int]) -> Cost:
    """Count what a saved model costs.

    Args:
        features: that it trains on; None: pixels.
        photos: how many are for "train" and "validation".
    """
    views = features.views if features and features.are_stored else epochs
    extraction = size.backbone_multiply_adds * (int(views) * photos["train"] + photos["validation"])
    epoch = size.other_multiply_adds * (TRAINING_STEP * photos["train"] + photos["validation"])
    prediction = size.backbone_multiply_adds + size.other_multiply_adds
    return Cost(path.stat().st_size / 1e6, size.parameters, prediction, extraction + epochs * epoch)


def cost_table(costs: Mapping[str, Cost]) -> pd.DataFrame:
    """Tabulate formatted counts, a row per model."""
    return pd.DataFrame(
        {
            "model": list(costs),
            "MB": [f"{cost.megabytes:.1f}" for cost in costs.values()],
            "parameters": [f"{cost.parameters:,}" for cost in costs.values()],
            "multiply-adds a photo (millions)": [f"{cost.multiply_adds / 1e6:,.1f}" for cost in costs.values()],
            "to train (billions)": [f"{cost.training_multiply_adds / 1e9:,.0f}" for cost in costs.values()],
        }
    )


def measured_table(models: Iterable[tuple[str, Path, float]]) -> pd.DataFrame:
    """Tabulate what was measured on this machine, of models that were trained or predicted here.

    Args:
        models: name, saved model and test accuracy of each.
    """
    rows = []
    for name, path, accuracy in models:
        values = {**read_measurements(f"train@{name}", sha256_of(path)), **read_measurements(*[architecture(path)] * 2)}
        if values:
            rows.append({"model": name, "test accuracy": accuracy, **values})
    table = pd.DataFrame(rows, columns=["model", "test accuracy", *MEASURED])
    table[list(MEASURED)] = table[list(MEASURED)].map(lambda value: "" if pd.isna(value) else f"{value:.1f}")
    return table.rename(columns=MEASURED)
