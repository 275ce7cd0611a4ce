"""Count the photos of each class in each split, and draw samples.

Reads the lists in ``data/splits/`` and the photos. Writes:

    metrics/label_stats.json    counts of rejected files, copies, corrected labels
                                and images, the test accuracy of the majority
                                class, and what image_fit: crop cuts off
    plots/label_counts.csv, plots/label_counts.png
                                images per class and split
    plots/samples.png           random training photos of each class

Of many classes, only the CSV has all.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.common.cli import logger, run
from stages.common.parallel import map_in_parallel
from stages.common.params import LabelStats, load_params
from stages.common.paths import SPLIT_NAMES
from stages.evaluation.figures import caption, largest_and_smallest, listed_thumbnail, picture_grid, write_figure
from stages.photos.decode import explain_undecodable, open_photo
from stages.storage.files import write_csv, write_json
from stages.storage.photo_lists import count_copies, count_rejected, majority_class_accuracy, read_list, read_lists

CLASSES_SHOWN = 20  # in either figure, which is up to 4,848 pixels high
MAX_LISTED = 100  # classes in label_stats.json, which git keeps
PHOTOS_MEASURED, MEASURED_SIZE = 500, 64  # at random; large JPEGs are decoded smaller, to 256 px or more


def main() -> None:
    params = load_params()
    lists = read_lists(*SPLIT_NAMES)
    labels = {split: photos.groupby("label").size() for split, photos in lists.items()}
    counts = pd.concat(labels, names=["split"]).reset_index(name="images")  # a row per split and label
    table = counts.pivot(index="label", columns="split", values="images")[list(lists)]
    listed = largest_and_smallest(table, MAX_LISTED)
    corrected = read_list("corrected")
    stats = {
        **count_rejected(read_list("rejected")),
        "copies": count_copies(read_list("copies"), {split: lists[split] for split in ("validation", "test")}),
        "relabelled": int((corrected["given"] != corrected["label"]).sum()),
        "test": {"accuracy": round(majority_class_accuracy(lists["train"], lists["test"]), 6)},
        # A list, so that DVC leaves it out of its tables, where these would be columns beside each model's accuracy.
        "images": counts[counts["label"].isin(listed.index)].to_dict("records"),
    }
    if len(listed) < len(table):
        stats["classes_left_out"] = len(table) - len(listed)
    if params.image_fit == "crop":
        stats["crop_loss"] = crop_loss(lists["train"]["path"], params.image_size, params.label_stats.seed)
    write_json(stats, Path("metrics/label_stats.json"))
    write_csv(counts, Path("plots/label_counts.csv"))
    write_figure(draw_counts(table), Path("plots/label_counts.png"))
    write_figure(draw_samples(lists["train"], params.label_stats), Path("plots/samples.png"))


def crop_loss(paths: pd.Series, image_size: tuple[int, int], seed: int) -> float:
    """Compute the share of a photo of the median aspect ratio that ``image_fit: crop`` cuts off; warn of large ones."""
    measured = paths.sample(min(PHOTOS_MEASURED, len(paths)), random_state=seed)
    sizes = map_in_parallel(photo_size, list(measured), "measuring photos")
    relative = np.median([width / height for width, height in sizes]) * image_size[0] / image_size[1]
    share = float(min(relative, 1 / relative))
    if share < 2 / 3:
        text = "image_fit: crop loses %.0f %% of a photo of the training photos' median aspect ratio: consider pad "
        logger.warning(text + "or stretch, or an image_size of another shape", 100 * (1 - share))
    return round(1 - share, 6)


def photo_size(path: str) -> tuple[int, int]:
    with explain_undecodable(path):
        return open_photo(path, MEASURED_SIZE).size


def draw_counts(counts: pd.DataFrame) -> Figure:
    """Draw the number of photos of each class (rows) in each split (columns) as bars."""
    shown = largest_and_smallest(counts, CLASSES_SHOWN)
    title = "Photos per class and split"
    if len(shown) < len(counts):
        title += f"\n(of {len(counts)} classes, those with the most\nand those with the fewest training photos)"
    figure, axes = plt.subplots(figsize=(7, 1 + 0.6 * len(shown)), layout="constrained")
    shown.rename(caption).plot.barh(ax=axes, width=0.8, xlabel="photos", ylabel="class", title=title)
    for bars in axes.containers:
        axes.bar_label(bars, padding=2, fontsize="small")  # type: ignore[arg-type]  # pandas drew nothing but bars
    axes.margins(x=0.15)
    axes.invert_yaxis()  # the first class on top, and of each the first split
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_samples(photos: pd.DataFrame, settings: LabelStats) -> Figure:
    """Draw a row of random photos of each class, of the first classes by name."""
    classes = list(photos.groupby("label"))
    columns, rows = settings.photos_per_class, min(CLASSES_SHOWN, len(classes))
    rng = np.random.default_rng(settings.seed)
    figure = plt.figure(figsize=(2 * columns, 2 * rows + 0.4), layout="constrained")
    if rows < len(classes):
        figure.suptitle(f"the first {rows} of {len(classes)} classes by name")
    samples = [rng.choice(group["path"], min(columns, len(group)), replace=False) for _, group in classes[:rows]]
    pictures = iter(map_in_parallel(listed_thumbnail, list(np.concatenate(samples)), "reading samples"))
    for row, (label, _), paths in zip(picture_grid(figure, rows, columns), classes, samples, strict=False):
        for axes in row[: len(paths)]:
            axes.imshow(next(pictures))
        row[0].set_title(caption(str(label)), loc="left")
    return figure


if __name__ == "__main__":
    run(main, __doc__)
