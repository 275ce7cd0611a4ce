"""The samples that `label_stats` draws; test_pipeline.py looks at its counts."""

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from PIL import Image

from stages.common.params import LabelStats
from stages.label_stats import CLASSES_SHOWN, draw_counts, draw_samples


def test_samples_are_held_as_thumbnails(workspace: Path) -> None:
    paths = ["cat.png", "dog.png"]
    for path in paths:
        Image.new("RGB", (1100, 20)).save(path)
    figure = draw_samples(
        pd.DataFrame({"path": paths, "label": ["cats", "dogs"]}), LabelStats(photos_per_class=1, seed=0)
    )
    assert [axes.images[0].get_size() for axes in figure.axes] == [(9, 512), (9, 512)]
    plt.close(figure)


def test_samples_of_many_classes_are_those_of_the_first_and_say_so(workspace: Path) -> None:
    Image.new("RGB", (8, 8)).save("photo.png")
    photos = pd.DataFrame({"path": "photo.png", "label": [f"class {number}" for number in range(CLASSES_SHOWN + 1)]})
    figure = draw_samples(photos, LabelStats(photos_per_class=1, seed=0))
    assert len(figure.axes) == CLASSES_SHOWN
    assert figure.get_suptitle() == f"the first {CLASSES_SHOWN} of {CLASSES_SHOWN + 1} classes"
    plt.close(figure)


def test_no_two_names_of_classes_overlap_however_many_there_are() -> None:
    labels = [f"a class with the long name {number}" for number in range(40)]
    figure = draw_counts(pd.DataFrame({"split": "train", "label": labels, "images": 1000}))
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 40
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))
    plt.close(figure)
