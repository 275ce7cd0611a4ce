"""Measure what backbones cost: the step `features` with random weights, on synthetic images of the size in params.yaml.

    python -m benchmarks.backbones [ARCHITECTURE ...]

Prints a table in Markdown for some networks of keras.applications: CPU ms a photo (from the difference between many and
few photos, so without start-up), the most memory held, and the size of a photo's features.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmarks.compare import lay_out, measure
from stages.common.cli import command_parser, run
from stages.storage.files import write_json

ARCHITECTURES = ("MobileNetV2", "MobileNetV3Large", "EfficientNetV2B0", "ConvNeXtTiny", "ResNet50")
FEW, MANY = 64, 320  # training photos

# Draws random weights, in a process of its own: this one is to stay small.
WRITE_WEIGHTS = """
import sys
from stages.models.runtime import keras
build = getattr(keras.applications, sys.argv[1])
build(include_top=False, weights=None, input_shape=(*map(int, sys.argv[3:]), 3)).save_weights(sys.argv[2])
"""


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("architectures", nargs="*", default=ARCHITECTURES)
    architectures = parser.parse_args().architectures
    rows = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        params = lay_out(folder, None, epochs=1)
        params["image_size"] = 160
        entry: dict[str, Any] = {"weights": "random", "sha256": None, "options": {}}
        params["backbones"] = {name: {"architecture": name, **entry} for name in architectures}
        params["features"] = {name: {"backbone": name} for name in architectures}
        config = {"dropout": 0.5, "dense_units": 128}
        params["models"] = {name: {"features": name, **config} for name in architectures}
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        for step in ("download", "thumbnails", "split"):
            measure([sys.executable, "-m", f"stages.{step}"], folder)
        train, validation = (folder / f"data/splits/{split}_paths.csv" for split in ("train", "validation"))
        photos = pd.read_csv(train)
        photos.head(1).to_csv(validation, index=False)
        for name in architectures:
            backbone = folder / "data/backbone" / name
            write_json({"architecture": name, "options": {}}, backbone / "architecture.json")
            command = [sys.executable, "-c", WRITE_WEIGHTS, name, backbone / "random.weights.h5", "160", "160"]
            measure(command, folder)
            costs = []
            for count in (FEW, MANY):
                photos.sample(count, replace=True, random_state=0).to_csv(train, index=False)
                measure([sys.executable, "-m", "stages.pixels"], folder)
                costs.append(measure([sys.executable, "-m", "stages.features", name], folder)[0])
            features = np.load(folder / f"data/features/{name}/validation.npy")
            rows.append(
                {
                    "architecture": name,
                    "CPU ms a photo": (costs[1]["cpu"] - costs[0]["cpu"]) / (MANY - FEW) * 1000,
                    "peak MiB": costs[1]["mib"],
                    "features": " x ".join(map(str, features.shape[1:])),
                    "KB a photo": features.nbytes / 1000,
                }
            )
    print(pd.DataFrame(rows).round(1).to_markdown(index=False))  # noqa: T201


if __name__ == "__main__":
    run(main)
