"""The samples that `label_stats` draws; test_pipeline.py looks at its counts."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from PIL import Image

from stages.common.params import LabelStats
from stages.label_stats import draw_samples


def test_samples_are_held_as_thumbnails(workspace: Path) -> None:
    paths = ["cat.png", "dog.png"]
    for path in paths:
        Image.new("RGB", (1100, 20)).save(path)
    figure = draw_samples(
        pd.DataFrame({"path": paths, "label": ["cats", "dogs"]}), LabelStats(photos_per_class=1, seed=0)
    )
    assert [axes.images[0].get_size() for axes in figure.axes] == [(9, 512), (9, 512)]
    plt.close(figure)
