import random
import re
from collections import Counter
from itertools import chain, product
from unicodedata import normalize
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from stages.common.cli import MismatchError
from stages.common.params import PARAMS, Split, load_params
from stages.common.paths import SPLIT_NAMES
from stages.data.groups import assign_splits, divide, find_groups, rank_groups, select_groups
from stages.data.layout import photo_table
from tests.conftest import PROJECT, less_memory_than

SETTINGS: Split = load_params(PROJECT / PARAMS).split  # a tenth for test, a fifth for validation


def table(*groups: list[str], copies: int = 1) -> pd.DataFrame:
    """Rows of the table for groups of photos, as "cats/1", each with copies that are one duplicate cluster with it."""
    rows: list[tuple[str, str, str, str, str]] = []
    indices: list[tuple[int, int]] = []
    for group, photos in enumerate(groups):
        for photo in photos:
            *folders, label, name = photo.split("/")
            split = next((folder for folder in folders if folder in SPLIT_NAMES), "")
            for copy in range(copies):
                rows.append((f"data/raw/{photo}_{copy}.jpg", f"{label}/{name}_{copy}.jpg", label, split, ""))
                indices.append((len(indices) // copies, group))
    created = photo_table(rows)
    created[["cluster", "group"]] = indices
    return created


def assign(photos: pd.DataFrame) -> pd.DataFrame:
    """Assign the photos to splits, and check that each group is in one."""
    assigned = photos.assign(split=assign_splits(photos, SETTINGS))
    assert (assigned.groupby("group")["split"].nunique() == 1).all()
    return assigned


def cluster_counts(photos: pd.DataFrame, split: str) -> dict[str, int]:
    return dict(Counter(photos[photos["split"] == split].drop_duplicates("cluster")["label"]))


def names(photos: pd.DataFrame, split: str) -> list[str]:
    return sorted(re.findall(r"data/raw/(.*)_\d\.jpg", path)[0] for path in photos["path"][photos.split == split])


def test_a_cluster_counts_once_however_many_copies_it_has() -> None:
    many = table(*([f"cats/{n}"] for n in range(50)), *([f"dogs/{n}"] for n in range(20)), copies=5)
    assigned = assign(many.drop([row for row in range(125) if row % 5]))  # of half of the cats no copies
    assert cluster_counts(assigned, "test") == {"cats": 5, "dogs": 2}
    assert cluster_counts(assigned, "validation") == {"cats": 10, "dogs": 4}
    assert cluster_counts(assigned, "train") == {"cats": 35, "dogs": 14}


def test_groups_of_any_size_and_of_two_classes_stay_whole() -> None:
    """In nearly the right proportions."""
    groups = [[f"cats/{n} {frame}" for frame in range(1 + n % 7)] for n in range(60)]
    groups += [[f"dogs/{n} {frame}" for frame in range(1 + n % 4)] for n in range(60)]
    groups += [[f"{label}/both {n}" for label in ("cats", "dogs")] for n in range(40)]
    assigned = assign(table(*groups))
    for label, total in {"cats": 274, "dogs": 190}.items():
        assert cluster_counts(assigned, "test")[label] == pytest.approx(0.1 * total, abs=3)
        assert cluster_counts(assigned, "validation")[label] == pytest.approx(0.2 * total, abs=3)


def can_be_divided(labels: list[set[str]], splits: int) -> bool:
    """Try every division: whether one has every class in each split."""
    cells = splits * len(set().union(*labels))
    return any(
        len({(label, split) for of_group, split in zip(labels, tried, strict=True) for label in of_group}) == cells
        for tried in product(range(splits), repeat=len(labels))
    )


@pytest.mark.parametrize(
    ("folder", "splits", "other"),
    [
        ("", SPLIT_NAMES, []),
        ("train/", ["train", "validation"], ["test/a/0"]),
        ("validation/", ["validation", "test"], ["train/a/0"]),
    ],
)
def test_groups_of_several_classes_fill_every_split(folder: str, splits: list[str], other: list[str]) -> None:
    """If any division does, in 50 random cases each; of the small ones a search of all divisions says which do."""
    refused = 0
    for seed in range(50):
        rng = random.Random(seed)
        classes = "abcde"[: rng.randint(2, 5)]
        number = rng.randint(3, 7) if seed % 2 else rng.randint(8, 40)
        labels = [set(rng.sample(classes, rng.choice([1, 1, 2, min(3, len(classes))]))) for _ in range(number)]
        enough = {label for label, count in Counter(chain(*labels)).items() if count >= len(splits)}
        groups = [
            [f"{folder}{label}/{n} {k}" for label in sorted(of_group) for k in range(rng.randint(1, 3))]
            for n, of_group in enumerate(labels)
        ]
        try:
            assigned = assign(table(*groups, other))
        except MismatchError:
            assert number <= 7
            assert not can_be_divided([of_group & enough for of_group in labels], len(splits))
            refused += 1
            continue
        filled = set(zip(assigned["label"], assigned["split"], strict=True))
        assert set(product(enough, splits)) <= filled, seed
    assert refused < 4


def test_a_division_moves_as_few_clusters_as_it_can() -> None:
    members = np.array([[1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 1, 1]], bool)
    moved = divide(members, np.array([0, 1, 1, 1]), np.array([5, 3, 1, 9]), 2)
    assert moved is not None
    assert list(moved) == [0, 1, 0, 1]  # class 2 had none in the first split: the smallest of its groups moves


def test_groups_that_no_division_fits_are_one_line() -> None:
    """Of three groups with two of three classes each, two are in one split, and the other lacks what they share."""
    groups = [
        [f"train/{first}/{n}", f"train/{second}/{n}"]
        for n, (first, second) in enumerate([("a", "b"), ("b", "c"), ("c", "a")])
    ]
    with pytest.raises(MismatchError, match=r"^split.group, .* let each of train, validation .* 'a', 'b', 'c', rec"):
        assign(table(*groups, ["test/a/9"]))


def test_of_groups_all_too_large_the_smallest_is_taken() -> None:
    groups = pd.DataFrame({"group": range(3), "label": "cats", "clusters": [9, 7, 8]})
    taken, others = select_groups(groups, {"cats": 2}, splits_left=2)
    assert (taken, list(others["group"])) == ([1], [0, 2])


def test_a_class_of_three_groups_fills_the_splits_by_rank() -> None:
    """Its first two are not in test, as the fraction says, with one of them moved to where the class is lacking."""
    photos = table(*([f"class {n % 10}/{n}"] for n in range(30)))
    settings = SETTINGS.model_copy(update={"test_fraction": 0.5, "validation_fraction": 0.4})
    splits = assign_splits(photos, settings).set_axis(photos["group"])
    ranked = rank_groups(photos, settings.seed).groupby("label")["group"]
    assert all(list(splits[groups]) == ["test", "validation", "train"] for _, groups in ranked)


def test_a_division_of_many_groups_takes_few_bytes_each() -> None:
    """Only groups that share a class with one that lacks a split are divided, and not each class by each group."""
    rare = [[f"rare {n % 2}/{n}", f"rare {n % 2 + n // 2}/{n}", f"class {n}/{n}"] for n in range(8)]
    photos = table(*rare, *([f"class {n % 200}/{n}"] for n in range(8, 10_000)))
    with patch("stages.data.groups.divide", wraps=divide) as divided, less_memory_than(600 * len(photos)):
        assigned = photos.assign(split=assign_splits(photos, SETTINGS))
    assert 0 < divided.call_args.args[0].shape[1] < 1000
    enough = photos.groupby("label")["group"].nunique() >= 3
    assert (assigned.groupby("label")["split"].nunique()[enough] == 3).all()


def test_a_group_keeps_its_split_when_photos_are_added() -> None:
    """Or an outer folder is renamed."""
    groups = [[f"photos_v1/{label}/{n} {frame}" for frame in (1, 2)] for label in ("a", "b") for n in range(40)]
    before = assign(table(*groups))
    renamed = assign(table(*([path.replace("v1", "v2") for path in group] for group in groups)))
    assert list(renamed["split"]) == list(before["split"])
    added = assign(table(*groups, ["photos_v1/a/new"]))
    assert sum(added["split"][:-1] != before["split"]) <= 4  # a group from test, one from validation


def test_every_fifth_group_in_validation_becomes_test() -> None:
    """Of each class, where the folders give no test split."""
    starts = [(split, start) for start in range(10, 40, 3) for split in ("train", "validation")]
    groups = [[f"{split}/cats/{n}" for n in range(start, start + 3)] for split, start in starts]
    in_test = names(assign(table(*groups, ["validation/ants/1"])), "test")
    assert in_test == ["validation/ants/1", *(f"validation/cats/{n}" for n in (10, 11, 12, 25, 26, 27))]
    of_two_splits = assign_splits(table(["train/ants/0", "validation/ants/1"]), SETTINGS)
    assert list(of_two_splits) == ["train", "test"], "never a training photo"


def test_validation_is_taken_from_training(caplog: pytest.LogCaptureFixture) -> None:
    """Where the folders give none, whatever test has; a group that is also in test stays, for test alone to keep."""
    groups = [["train/cats/again", "test/cats/again"], *([f"train/{label}/{n}"] for label in "ab" for n in range(20))]
    photos = table(*groups, ["test/dogs/1"])
    splits = assign_splits(photos, SETTINGS)
    assert cluster_counts(photos.assign(split=splits), "validation") == {"a": 4, "b": 4}
    assert "validation: 20 % of training, as none are given" in caplog.text
    assert splits[0] == "train"
    assert names(photos.assign(split=splits), "test") == ["test/cats/again", "test/dogs/1"]
    more = assign_splits(table(*groups, *([f"test/dogs/{n}"] for n in range(200))), SETTINGS)
    assert list(more[: len(photos) - 1]) == list(splits[:-1])


def by_pattern(pattern: str) -> Split:
    return SETTINGS.model_copy(update={"group": pattern})


def test_photos_with_the_same_match_are_one_group() -> None:
    """Also through duplicates, and where names are in another Unicode form."""
    cafe = [normalize(form, "dogs/café") for form in ("NFD", "NFC")]
    photos = table(["dogs/rex_1"], ["dogs/tom_1"], ["dogs/alone"], ["dogs/rex_2"], *([f"{name}_1"] for name in cafe))
    photos.loc[len(photos)] = photos.loc[1].replace("data/raw/dogs/tom_1_0.jpg", "data/raw/dogs/rex_3_0.jpg")
    groups = find_groups(photos, by_pattern(r"/([^/]+)_\d_0\.jpg$"), {})
    assert list(pd.factorize(groups)[0]) == [0, 0, 1, 0, 2, 2, 0]
    groups = find_groups(photos, by_pattern(rf"/(caf[{normalize('NFD', 'é')}])"), {})
    assert groups[4] == groups[5]


def test_a_cluster_without_a_match_is_a_group_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    photos = table(["dogs/rex_1"], ["dogs/rex_2"], ["dogs/1"], ["dogs/2"])
    assert list(pd.factorize(find_groups(photos, by_pattern(r"/(rex)?[_\d]*\.jpg$"), {}))[0]) == [0, 0, 1, 2]
    assert "2 of 4 photos have no group, and stay on their own, such as data/raw/dogs/1_0.jpg" in caplog.text


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("(cows)", "dogs/1_0.jpg a group, but it gives none"), ("(raw)", "all photos are in 'raw'")],
)
def test_a_pattern_that_tells_nothing_apart_is_one_line(pattern: str, message: str) -> None:
    with pytest.raises(MismatchError, match=rf"^split.group: expected '{re.escape(pattern)}' .*{message}$"):
        find_groups(table(["dogs/1"], ["dogs/2"]), by_pattern(pattern), {})


def test_a_column_of_the_labels_gives_groups() -> None:
    settings = SETTINGS.model_copy(update={"group_column": "patient"})
    photos = table(["a/1"], ["b/2"], ["a/3"], ["a/4"])
    name = list(photos["name"])
    assert list(find_groups(photos, settings, {name[0]: "x", name[1]: "y", name[2]: "x"})) == [0, 1, 0, 2]
    for group_of, message in (({}, "but it gives none"), (dict.fromkeys(name, "x"), "but all photos are in 'x'")):
        with pytest.raises(MismatchError, match=rf"^split.group_column: expected 'patient' .*{message}$"):
            find_groups(photos, settings, group_of)
