"""What `label_stats` counts, and the samples that it draws."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import ExifTags, Image

from stages import label_stats
from stages.common.cli import UserError
from stages.common.params import LabelStats
from stages.label_stats import draw_counts, draw_samples, main
from stages.storage.photo_lists import DUPLICATE, NO_CLASS, NO_FILE, NO_LABEL, REMOVED, SAME_GROUP, SIDECAR, TWO_LABELS
from tests.conftest import SetParams, read_json, write_list, write_photos


def write_lists(**lists: Any) -> None:
    """Write lists of ``split``, of those that are not given empty ones."""
    empty: dict[str, list[str]] = {column: [] for column in ("path", "reason", "given", "label", "copy_of", "split")}
    for name in ("train", "validation", "test", "rejected", "corrected", "copies"):
        write_list(name, **lists.get(name, empty))


def test_each_number_has_its_own_name(workspace: Path) -> None:
    """All of them differ, so that none can stand in another's place."""
    write_photos(workspace, 1)
    images = {"train": {"cats": 4, "dogs": 8}, "validation": {"cats": 3, "dogs": 5}, "test": {"cats": 6, "dogs": 2}}
    unmatched = {NO_FILE: 2, NO_CLASS: 10, NO_LABEL: 11}
    reasons = {f"{TWO_LABELS}: {DUPLICATE}": 3, f"{DUPLICATE} x": 4, SAME_GROUP: 5, REMOVED: 6, "has 130 megapixels": 7}
    write_lists(
        **{split: {"path": "0.jpg", "label": list(Counter(of).elements())} for split, of in images.items()},
        rejected={"path": "x", "reason": list(Counter({**unmatched, **reasons, f"{SIDECAR}: cut": 99}).elements())},
        corrected={"path": "0.jpg", "given": ["cats", "dogs"], "label": ["dogs", "dogs"]},
        copies={"path": "x", "copy_of": "y", "split": ["validation", "validation", "test", "", ""]},
    )
    main()
    assert read_json("metrics/label_stats.json") == {
        "unmatched": 23,
        "conflicting": 3,
        "duplicates": 4,
        "grouped": 5,
        "removed": 6,
        "unusable": 7,
        "relabelled": 1,
        "copies": {"validation": {"photos": 2, "share": 0.2}, "test": {"photos": 1, "share": 0.111111}},
        "test": {"accuracy": 0.25},  # of always dogs, the larger class of the training photos
        "images": [{"split": name, "label": label, "images": of[label]} for name, of in images.items() for label in of],
    }
    assert pd.read_csv("plots/label_counts.csv")["images"].tolist() == [4, 8, 3, 5, 6, 2]


@pytest.fixture
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_counts", "draw_samples", "write_figure"):
        monkeypatch.setattr(label_stats, name, lambda *_: None)


@pytest.mark.usefixtures("_no_figures")
@pytest.mark.parametrize(
    ("shape", "image_size", "loss"),
    [((30, 20), 16, 1 / 3), ((20, 32), 16, 0.375), ((640, 160), [10, 30], 0.25), ((20, 30), [10, 20], 2 / 3)],
)
def test_a_crop_that_loses_more_than_a_third_is_a_warning(
    set_params: SetParams, caplog: pytest.LogCaptureFixture, shape: tuple[int, int], image_size: Any, loss: float
) -> None:
    """Of a photo of the median aspect ratio, turned as EXIF says; with another ``image_fit`` nothing is measured."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", shape[::-1]).save("turned.jpg", exif=exif)
    Image.new("RGB", (99, 1)).save("odd.png")
    Image.new("RGB", (1, 99)).save("other.png")
    photos = {"path": ["odd.png", "turned.jpg", "turned.jpg", "other.png"], "label": "cats"}
    write_lists(train=photos, validation=photos, test=photos)
    for image_fit in ("stretch", "pad", "crop"):
        set_params({"image_fit": image_fit, "image_size": image_size})
        assert not caplog.messages
        main()
        crop_loss = read_json("metrics/label_stats.json").get("crop_loss")
        assert crop_loss == (pytest.approx(loss, abs=1e-6) if image_fit == "crop" else None)
    assert [f"crop loses {100 * loss:.0f} %" in message for message in caplog.messages] == [True] * (loss > 0.34)


def test_samples_are_thumbnails_of_the_first_classes(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the figure says how many others there are."""
    monkeypatch.setattr(label_stats, "CLASSES_SHOWN", 4)
    Image.new("RGB", (1100, 20)).save("photo.png")
    photos = pd.DataFrame({"path": [*["photo.png"] * 4, "not_shown.png"] * 5, "label": list("abcde") * 5})
    figure = draw_samples(photos, LabelStats(photos_per_class=1, seed=0))
    assert [axes.images[0].get_size() for axes in figure.axes] == [(9, 512)] * 4
    assert figure.get_suptitle() == "the first 4 of 5 classes by name"


def test_counts_of_many_classes_are_the_extremes() -> None:
    """And no two of their names overlap."""
    labels = [f"a class with the long name {index:04}" for index in range(1000)]
    figure = draw_counts(pd.DataFrame({"train": range(1000, 2000)}, labels))
    names = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels()]
    assert names == [*reversed(labels[-10:]), *reversed(labels[:10])]
    bar_labels = [int(text.get_text()) for text in figure.axes[0].texts]
    assert bar_labels == [*range(1999, 1989, -1), *range(1009, 999, -1)]
    assert "of 1000 classes" in figure.axes[0].get_title()
    assert (
        draw_counts(pd.DataFrame({"train": range(20)}, labels[:20])).axes[0].get_title() == "Photos per class and split"
    )
    assert figure.get_figheight() < 15
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))


@pytest.mark.usefixtures("_no_figures")
def test_counts_in_the_metrics_are_limited_and_say_so(workspace: Path) -> None:
    labels = [f"class {index:03}" for index in range(103) for _ in range(1 + (index > 51))]
    photos = {"path": "0.jpg", "label": labels}
    write_lists(train=photos, validation=photos, test=photos)
    main()
    stats = read_json("metrics/label_stats.json")
    assert (len(stats["images"]), stats["classes_left_out"]) == (300, 3)
    assert len(pd.read_csv("plots/label_counts.csv")) == 309


@pytest.mark.usefixtures("workspace")
def test_a_long_class_name_leaves_room_for_the_rest() -> None:
    Image.new("RGB", (8, 8)).save("photo.png")
    name = "ab" * 900
    samples = draw_samples(pd.DataFrame({"path": ["photo.png"], "label": name}), LabelStats(photos_per_class=3, seed=0))
    for figure in (samples, draw_counts(pd.DataFrame({"train": 9}, [name]))):
        figure.draw_without_rendering()
        assert figure.axes[0].get_window_extent().width > 100  # pixels


def test_a_lost_photo_is_one_line(set_params: SetParams) -> None:
    lost = {"path": ["lost.jpg"], "label": ["cats"]}
    write_lists(train=lost, validation=lost, test=lost)
    for fit in ("stretch", "crop"):  # which measures photos
        set_params({"image_fit": fit})
        with pytest.raises(UserError, match=r"^lost.jpg: cannot be read: .*: run `dvc repro --force download && "):
            main()
