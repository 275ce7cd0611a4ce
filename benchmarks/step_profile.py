"""Measure where a training step's time goes: the operations of TensorFlow that take longest.

    python -m benchmarks.step_profile [MODEL] [--steps 10]

Trains on noise of the size in params.yaml, so it needs no photos. Prints a Markdown table of milliseconds a step with
a whole batch, in train.precision.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from stages.common.cli import command_parser, run
from stages.common.params import load_params
from stages.datasets.dataset import Dataset
from stages.models.build import build_model
from stages.models.runtime import make_deterministic, set_precision, tf
from stages.training.batches import training_batches
from stages.training.loop import compile_model


def operations(folder: Path) -> Counter[str]:
    """Add up the milliseconds of each operation in the profile that TensorFlow wrote to the folder."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    [file] = folder.rglob("*.xplane.pb")
    space = xplane_pb2.XSpace()
    space.ParseFromString(file.read_bytes())
    milliseconds: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                path, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if path.startswith("StatefulPartitionedCall/"):
                    parts = path.removeprefix("StatefulPartitionedCall/").removeprefix("gradient_tape/").split("/")
                    layer = parts[1] if len(parts) > 1 else parts[0]  # of the model, or the optimizer
                    kind = kind.removeprefix("_").removeprefix("Mkl").removeprefix("Native")
                    milliseconds[f"{kind} of {layer}"] += event.duration_ps / 1e9
    return milliseconds


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("model", nargs="?", default="cnn", help="one without a backbone")
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()
    params = load_params()
    config, settings = params.models[args.model], params.train
    make_deterministic(settings.seed)
    print(f"precision: {set_precision(settings.precision, has_backbone=False)}\n")  # noqa: T201
    model = build_model(config, params.image_size, 2)
    compile_model(model, settings.learning_rate)
    shape = (4 * settings.batch_size, *params.image_size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    noise = Dataset(pixels, np.arange(shape[0]) % 2, config, settings.seed)
    batches = training_batches(noise, settings.batch_size, settings.seed, range(3 + args.steps))
    model.fit(batches, steps_per_epoch=3, shuffle=False, verbose=0)
    with TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        model.fit(batches, steps_per_epoch=args.steps, shuffle=False, verbose=0)
        tf.profiler.experimental.stop()
        spent = operations(Path(folder))
    table = pd.DataFrame(spent.most_common(), columns=["operation", "ms a step"])
    table["ms a step"] = (table["ms a step"] / args.steps).round(1)
    table["proportion"] = (table["ms a step"] / table["ms a step"].sum()).map("{:.0%}".format)
    total = pd.DataFrame([("all", round(float(table["ms a step"].sum()), 1), "100%")], columns=table.columns)
    print(pd.concat([table.head(12), total]).to_markdown(index=False))  # noqa: T201


if __name__ == "__main__":
    run(main)
