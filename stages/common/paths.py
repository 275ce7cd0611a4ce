"""Where each step finds and leaves its files, relative to the project's root. Paths are not parameters."""

from pathlib import Path

RAW = Path("data/raw")
BACKBONE = Path("data/backbone")
SPLITS = Path("data/splits")
MODELS = Path("data/models")
BACKUPS = Path("data/backups")  # outside the outputs, which DVC deletes before a step runs
HISTORY = Path("plots/history")

LABEL_STATS = Path("metrics/label_stats.json")
LABEL_COUNTS = Path("plots/label_counts.csv")
LABEL_COUNTS_PICTURE = Path("plots/label_counts.png")
SAMPLES_PICTURE = Path("plots/samples.png")

SCORES = Path("metrics/models")
BEST = Path("metrics/best.json")
REPORT = Path("metrics/report.md")
ACCURACY_PICTURES = Path("plots/accuracy")
CONFUSION = Path("plots/confusion")
CURVES = Path("plots/curves.csv")
ROC = Path("plots/roc.csv")
CALIBRATION_PICTURE = Path("plots/calibration.png")
MISTAKES_PICTURES = Path("plots/mistakes")
GRADCAM_PICTURE = Path("plots/gradcam.png")
