"""Run the notebook's workflow unchanged: what the pipeline is measured against.

Four Keras models, trained one after the other in one process with nothing made faster: photos are decoded anew in
each epoch, augmentation is part of the model, the frozen backbone sees each photo in each epoch, and the test photos
are batches taken off a validation set that shuffles. Two things differ from the notebook as published: the photos and
the weights come from this machine, and a `Model([i], [x])` that Keras 3 refuses is a `Model(i, x)`.

    python -m benchmarks.notebook_workflow PHOTOS WEIGHTS.h5 [--epochs 20] [--models cnn ...] > rows.json

PHOTOS holds train/ and validation/ with a folder per class in each. Prints a JSON list with a row per model, before
it one for the imports and after it one for the whole process.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def usage() -> dict[str, float]:
    """Seconds so far, wall-clock and CPU (user and system), and the most memory held, in MiB."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return {"wall": time.perf_counter(), "cpu": spent.ru_utime + spent.ru_stime, "mib": spent.ru_maxrss / 1024}


def since(start: dict[str, float]) -> dict[str, float]:
    now = usage()
    return {"wall": now["wall"] - start["wall"], "cpu": now["cpu"] - start["cpu"], "mib": now["mib"]}


def builders(size: tuple[int, int], weights: Path, width: float, num_classes: int) -> dict[str, Callable[[], Any]]:
    """The notebook's four models."""
    import tensorflow as tf

    layers, mobilenet_v2 = tf.keras.layers, tf.keras.applications.mobilenet_v2

    def convolutions() -> list[Any]:
        stack = []
        for _ in range(2):
            stack += [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()]
        return [*stack, layers.Conv2D(32, 3, activation="relu"), *classifier()]

    def classifier() -> list[Any]:
        dense = [layers.Dense(128, activation="relu"), layers.Dense(num_classes)]
        return [layers.Dropout(0.5), layers.MaxPooling2D(), layers.Flatten(), *dense]

    def augmentation() -> list[Any]:
        return [layers.RandomFlip("horizontal"), layers.RandomRotation(0.2)]

    def preprocessing() -> Any:
        pixels = tf.keras.Input((*size, 3))
        return tf.keras.Model(pixels, mobilenet_v2.preprocess_input(pixels))

    def backbone() -> Any:
        base = tf.keras.applications.MobileNetV2(
            input_shape=(*size, 3), alpha=width, include_top=False, weights=str(weights)
        )
        base.trainable = False
        scaled = tf.keras.Input((*size, 3))
        return tf.keras.Model(scaled, base(scaled, training=False))

    chain = tf.keras.Sequential
    return {
        "cnn": lambda: chain([layers.Rescaling(1 / 255), *convolutions()]),
        "augmented": lambda: chain([*augmentation(), layers.Rescaling(1 / 255), *convolutions()]),
        "preprocessed": lambda: chain([preprocessing(), *augmentation(), *convolutions()]),
        "transfer": lambda: chain([preprocessing(), *augmentation(), backbone(), *classifier()]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--models", nargs="+", help="default: all four")
    args = parser.parse_args()

    start = usage()
    import tensorflow as tf

    size = (args.size, args.size)
    datasets = [
        tf.keras.utils.image_dataset_from_directory(
            args.photos / split, shuffle=True, batch_size=32, image_size=size, verbose=False
        )
        for split in ("train", "validation")
    ]
    num_classes = len(datasets[0].class_names)
    batches = int(datasets[1].cardinality())
    train, validation, test = (
        dataset.prefetch(tf.data.AUTOTUNE)
        for dataset in (datasets[0], datasets[1].skip(batches // 5), datasets[1].take(batches // 5))
    )

    rows: list[dict[str, Any]] = [{"model": "imports", **since(start)}]
    for name, build in builders(size, args.weights, args.width, num_classes).items():
        if args.models and name not in args.models:
            continue
        before = usage()
        model = build()
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        history = model.fit(train, epochs=args.epochs, validation_data=validation, verbose=0).history
        test_accuracy = float(model.evaluate(test, verbose=0)[1])
        accuracy = {"last": history["val_accuracy"][-1], "best": max(history["val_accuracy"]), "test": test_accuracy}
        rows.append({"model": name, **since(before), **accuracy})
        sys.stderr.write(f"notebook's workflow: {name}: {rows[-1]['cpu']:.0f} CPU s\n")
    rows.append({"model": "all", **since(start)})
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
