"""Where steps and commands find each other's files, from the project's root. Paths are not parameters.

No step but `evaluate` depends on this file. A path that is changed here must be changed in ``dvc.yaml`` too, by which
DVC notices.
"""

from pathlib import Path

CORRECTIONS = Path("corrections.csv")  # in git, and written by people, by hand or in commands.review
RAW = Path("data/raw")
SHARD = "photos-{:05}.zip"  # there
SHARDS = SHARD.format(0).replace("0", "[0-9]")  # the pattern of their names
LABELS = Path("data/labels")
THUMBNAILS = Path("data/thumbnails")
BACKBONE = Path("data/backbone")
ARCHITECTURE = "architecture.json"  # of a backbone, there and in a set of features
SPLITS = Path("data/splits")
SPLIT_NAMES = ["train", "validation", "test"]
FEATURES = Path("data/features")
PIXELS = "pixels"  # among the features: the photos themselves, for models without a backbone
MODELS = Path("data/models")
REPEATS = Path("data/repeats")
HISTORY = Path("plots/history")
LABEL_ISSUES = Path("plots/label_issues")
OUT_OF_FOLD = Path("data/out_of_fold")
BEST = Path("metrics/best.json")
REPORT = Path("metrics/report.md")
# Folders of outputs, in which DVC may delete what is not the pipeline's.
IN_DATA = (RAW, LABELS, THUMBNAILS, BACKBONE, SPLITS, FEATURES, MODELS, REPEATS, OUT_OF_FOLD)
OUTPUTS = (*IN_DATA, Path("metrics"), Path("plots"))
# Outside the outputs, which DVC deletes before a step runs.
BACKUPS = Path("data/backups")
PREDICTIONS = Path("data/predictions")
COSTS = Path("data/costs")
COSTS_TABLE = Path("metrics/costs.md")
FIGURES = Path("data/figures")
LOGS = Path("data/logs")


def history_of(model: Path) -> Path:
    """Return the path of a saved model's history, which ``train`` and ``evaluate`` share."""
    folder = HISTORY if model.parent == MODELS else model.parent / "history"
    return folder / f"{model.stem}.json"


def retrain_advice(path: Path) -> str:
    """Return how to train a model again, given one of its files, perhaps from another seed: ``MODEL.SEED.keras``."""
    return f"run `dvc repro train@{path.stem.partition('.')[0]}`"
