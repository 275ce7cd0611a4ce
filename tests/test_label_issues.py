"""Photos whose labels look wrong, as the step lists and draws them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages import label_issues
from stages.label_issues import confident_classes
from stages.models import logistic_regression
from stages.models.logistic_regression import assign_folds
from stages.storage.files import content_hash, write_json
from tests.conftest import SetParams, run_main, write_list, write_photos

FOLDER = Path("plots/label_issues")
Run = Callable[..., pd.DataFrame]  # the fixture


@pytest.fixture
def run(set_params: SetParams) -> Run:
    """Run the step on features of two views that tell the classes apart, with the given numbers of wrong labels."""

    def step(wrong: list[int], reviewed: Sequence[str] = (), together: Sequence[str] = ()) -> pd.DataFrame:
        rng, hashes, features = np.random.default_rng(0), {}, Path("data/features/mobilenet_v2")
        features.mkdir(parents=True, exist_ok=True)
        for split, classes in {"train": np.arange(30) % 2, "validation": np.arange(1, 31) % 2}.items():
            write_photos(Path("data/raw", split), 30)
            paths = [f"data/raw/{split}/{number}.jpg" for number in range(30)]
            labels = np.where(np.isin(range(30), wrong) & (split == "train"), 1 - classes, classes)
            write_list(split, path=paths, label=np.take(["cats", "dogs"], labels))
            hashes[split] = content_hash(paths)
            maps = rng.normal(4 * classes[:, None, None, None], 1, (30, 2, 2, 3))
            further_views = [rng.normal(0, 9, maps.shape)] if split == "train" else []
            np.save(features / f"{split}.npy", np.concatenate([maps, *further_views]).astype(np.float16))
        write_list("corrected", path=reviewed, given="cats", label="cats")
        write_list("groups", path=together, group=["same"] * len(together))
        write_json({"photos": hashes}, features / "about.json")
        set_params({"label_issues": {"mobilenet_v2": {"folds": 5}}})
        run_main(label_issues, "mobilenet_v2")
        return pd.read_csv(FOLDER / "mobilenet_v2.csv", keep_default_na=False)

    return step


def test_exchanged_labels_are_listed_most_suspicious_first(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    listed = run([4, 7, 22])
    assert listed.columns[:2].tolist() == ["path", "label"], "as corrections.csv has them"
    assert sorted(listed["path"]) == [f"data/raw/train/{number}.jpg" for number in (22, 4, 7)]
    assert set(listed["label"]) == {""}
    rows = listed.set_index("path").loc["data/raw/train/7.jpg"]
    assert (rows["split"], rows["given"], rows["suggested"]) == ("train", "cats", "dogs")
    assert listed["given_probability"].is_monotonic_increasing
    np.testing.assert_allclose(listed["given_probability"] + listed["suggested_probability"], 1, atol=2e-4)
    assert "labels that look wrong: 3 of 60" in caplog.messages
    with Image.open(FOLDER / "mobilenet_v2.png") as picture:
        assert len(picture.convert("RGB").getcolors(maxcolors=2**24) or []) > 1000  # text alone has hundreds


def test_features_that_suspect_most_labels_are_not_trusted(
    run: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run([4])
    assert "hardly tell" not in caplog.text
    opposite = mock.Mock(side_effect=lambda _, labels, *__: np.eye(2)[1 - labels])
    monkeypatch.setattr(logistic_regression, "out_of_fold", opposite)
    run([])
    assert "the features mobilenet_v2 hardly tell the classes apart" in caplog.text


def test_groups_folds_and_seed_reach_the_cross_validation(
    run: Run, set_params: SetParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    assign = mock.Mock(wraps=assign_folds)
    monkeypatch.setattr(logistic_regression, "assign_folds", assign)
    set_params({"seed": 7})
    run([], together=["data/raw/train/3.jpg", "data/raw/validation/4.jpg"])
    _, groups, folds, seed = assign.call_args.args
    assert (groups[34], groups[3], folds, seed) == ("same", "same", 5, 7)
    assert len(set(groups)) == 59


def test_all_photos_are_predicted_out_of_fold(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a sample of them chooses the regularisation."""
    monkeypatch.setattr(logistic_regression, "SAMPLE", 40)
    issues = run([3]).set_index("path")
    photos = pd.read_csv("data/out_of_fold/mobilenet_v2.csv").set_index("path")
    assert len(photos) == 60
    [wrong] = photos[photos["predicted"] != photos["label"]].index
    assert wrong == "data/raw/train/3.jpg"
    assert photos["probability"][wrong] == issues["given_probability"][wrong] < 0.5


def test_labels_are_sorted_before_probabilities_are_rounded() -> None:
    """The first three are written as 0.0; by path the order would be another."""
    photos = pd.DataFrame({"path": ["1", "2", "3", "4"], "label": ["cats", "cats", "cats", "dogs"], "split": "train"})
    of_cats = np.array([2e-5, 1e-5, 3e-5, 0.5])
    probabilities = np.stack([of_cats, 1 - of_cats], axis=1)
    listed = label_issues.list_issues(photos, ["cats", "dogs"], probabilities, [])
    assert listed["path"].tolist()[:3] == ["2", "1", "3"]
    assert listed["given_probability"].tolist()[:3] == [0, 0, 0]


def test_a_reviewed_photo_is_not_listed_and_bytes_repeat(run: Run) -> None:
    written = []
    for _ in range(2):
        assert run([4, 7], reviewed=["data/raw/train/7.jpg"])["path"].to_list() == ["data/raw/train/4.jpg"]
        written.append([path.read_bytes() for path in sorted(FOLDER.iterdir())])
    assert written[0] == written[1]


def test_the_figure_names_photos_and_classes_or_says_none(run: Run) -> None:
    one, none = label_issues.draw_issues(run([4])), label_issues.draw_issues(run([]))
    assert re.fullmatch(r"4.jpg\nlabelled (\w+)\n0.\d\d for (?!\1)\w+", one.axes[0].get_title())
    assert none.get_suptitle() == "labels that look wrong: none"


def test_a_class_is_confident_from_its_mean_probability_on() -> None:
    """The mean over the examples with its label."""
    rows = [  # probabilities, label and confident class
        ([0.9, 0.1, 0.0], 0, 0),
        ([0.2, 0.7, 0.1], 0, 1),  # reaches class 1's threshold, and its label's not
        ([0.4, 0.6, 0.0], 1, 1),  # at the threshold
        ([0.5, 0.6, 0.0], 0, 1),  # the label's class too is below its threshold, so that 1 alone is confident
        ([0.3, 0.3, 0.4], 2, 2),
        ([0.1, 0.3, 0.6], 2, 2),
        ([0.52, 0.5, 0.0], 1, 1),  # no class is confident, though another is more probable
    ]
    # The thresholds: (0.9 + 0.2 + 0.5) / 3, (0.6 + 0.5) / 2 and (0.4 + 0.6) / 2.
    probabilities, labels, confident = map(np.array, zip(*rows, strict=True))
    np.testing.assert_array_equal(confident_classes(probabilities, labels), confident)
    # Of two confident classes the more probable counts; the thresholds are 0.4 and 0.217.
    probabilities = np.array([[0.6, 0.4], [0.2, 0.8], [0.55, 0.45], [0.9, 0.1], [0.9, 0.1]])
    np.testing.assert_array_equal(confident_classes(probabilities, np.array([0, 0, 1, 1, 1])), [0, 1, 0, 0, 0])


def test_a_class_less_probable_than_the_label_is_not_suggested() -> None:
    """Of a class of few examples the threshold is near 0, and many others reach it."""
    probabilities = np.array([[0.9, 0.08, 0.02], [0.6, 0.39, 0.01], [0.1, 0.88, 0.02], [0.01, 0.98, 0.01]])
    np.testing.assert_array_equal(confident_classes(probabilities, np.array([0, 0, 1, 2])), [0, 0, 1, 1])
