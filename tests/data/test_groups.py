import random
import re
from collections import Counter
from itertools import chain, product
from unicodedata import normalize

import numpy as np
import pytest

from stages.common.cli import MismatchError
from stages.common.params import PARAMS, Split, load_params
from stages.data.groups import Group, assign_splits, divide, join_groups, take
from stages.data.layout import SPLIT_NAMES, LabelledPhoto
from tests.conftest import PROJECT

SETTINGS: Split = load_params(PROJECT / PARAMS).split  # a tenth for test, a fifth for validation


def picture(path: str, copies: int = 1) -> list[LabelledPhoto]:
    """A photo, as "cats/1", and its copies."""
    names = [f"data/raw/{path}.jpg", *(f"data/raw/{path} copy {copy}.jpg" for copy in range(1, copies))]
    parts = path.split("/")
    label, split = parts[-2], parts[0] if parts[0] in SPLIT_NAMES else ""
    return [LabelledPhoto(name, label, split, "/".join(name.split("/")[-2:])) for name in names]


def numbers(groups: list[Group], split: str) -> dict[str, int]:
    """The number of pictures of each class in a split."""
    return dict(Counter(photos[0].label for group in groups for photos in group if photos[0].split == split))


def assigned_splits(groups: list[Group]) -> dict[str, str]:
    return {photo.path: photo.split for group in groups for photo in chain(*group)}


def check_whole(groups: list[Group]) -> None:
    assert all(len({photo.split for photo in chain(*group)}) == 1 for group in groups)


def test_a_picture_counts_once_in_the_proportions_however_many_copies_it_has() -> None:
    groups = [[picture(f"cats/{n}", copies=100 if n == 0 else 1)] for n in range(50)]
    groups += [[picture(f"dogs/{n}", copies=5)] for n in range(20)]
    assigned = assign_splits(groups, SETTINGS)
    check_whole(assigned)
    assert numbers(assigned, "test") == {"cats": 5, "dogs": 2}
    assert numbers(assigned, "validation") == {"cats": 10, "dogs": 4}
    assert numbers(assigned, "train") == {"cats": 35, "dogs": 14}


def test_groups_of_any_size_and_of_two_classes_stay_whole_in_nearly_the_right_proportions() -> None:
    groups = [[picture(f"cats/{n} {frame}") for frame in range(1 + n % 7)] for n in range(60)]
    groups += [[picture(f"dogs/{n} {frame}") for frame in range(1 + n % 4)] for n in range(60)]
    groups += [[picture(f"{label}/both {n}") for label in ("cats", "dogs")] for n in range(40)]
    assigned = assign_splits(groups, SETTINGS)
    check_whole(assigned)
    for label, total in {"cats": 274, "dogs": 190}.items():
        assert numbers(assigned, "test")[label] == pytest.approx(0.1 * total, abs=3)
        assert numbers(assigned, "validation")[label] == pytest.approx(0.2 * total, abs=3)


@pytest.mark.parametrize("sizes", [(1, 1, 100), (40, 50, 60), (1, 2, 3, 4)])
def test_every_split_has_a_group_of_a_class_that_has_three(sizes: tuple[int, ...]) -> None:
    groups = [[picture(f"cats/{n} {frame}") for frame in range(size)] for n, size in enumerate(sizes)]
    groups += [[picture(f"dogs/{n}")] for n in range(300)]
    assigned = assign_splits(groups, SETTINGS)
    assert all(numbers(assigned, split)["cats"] for split in SPLIT_NAMES)


def can_be_divided(labels: list[set[str]], splits: int) -> bool:
    """Try every division: whether one has every class in each split."""
    cells = splits * len(set().union(*labels))
    return any(
        len({(label, split) for of_group, split in zip(labels, tried, strict=True) for label in of_group}) == cells
        for tried in product(range(splits), repeat=len(labels))
    )


@pytest.mark.parametrize("given", ["", "train", "validation"])
def test_groups_of_several_classes_fill_every_split_if_any_division_does(given: str) -> None:
    """In 1,000 random cases each; of the small ones a search of all divisions says which have one."""
    splits, folder = {
        "": (SPLIT_NAMES, ""),
        "train": (["train", "validation"], "train/"),
        "validation": (["validation", "test"], "validation/"),
    }[given]
    refused = 0
    for seed in range(1000):
        rng = random.Random(seed)
        classes = "abcde"[: rng.randint(2, 5)]
        number = rng.randint(3, 7) if seed % 2 else rng.randint(8, 40)
        labels = [set(rng.sample(classes, rng.choice([1, 1, 2, min(3, len(classes))]))) for _ in range(number)]
        enough = {label for label, count in Counter(chain(*labels)).items() if count >= len(splits)}
        groups = [
            [picture(f"{folder}{label}/{n} {k}") for label in sorted(of_group) for k in range(rng.randint(1, 3))]
            for n, of_group in enumerate(labels)
        ]
        others = {"": [], "train": [[picture("test/a/0")]], "validation": [[picture("train/a/0")]]}[given]
        try:
            assigned = assign_splits([*groups, *others], SETTINGS)
        except MismatchError:
            assert number <= 7
            assert not can_be_divided([of_group & enough for of_group in labels], len(splits))
            refused += 1
            continue
        check_whole(assigned)
        assert assigned_splits(assigned).keys() == assigned_splits([*groups, *others]).keys()
        for split in splits:
            assert enough <= numbers(assigned, split).keys(), seed
    assert refused < 20


def test_a_division_moves_as_few_pictures_as_it_can() -> None:
    members = np.array([[1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 1, 1]], bool)
    moved = divide(members, np.array([0, 1, 1, 1]), np.array([5, 1, 3, 9]), 2)
    assert list(moved) == [0, 0, 1, 1]  # class 2 had none in the first split: the smallest of its groups moves


def test_a_pattern_finds_names_in_another_unicode_form() -> None:
    mac, linux = ([LabelledPhoto(f"dogs/{name}", "dogs", "", "")] for name in (normalize("NFD", "é_1"), "é_2"))
    assert join_groups([mac, linux, picture("dogs/b_1")], r"/([éb])_") == [[mac, linux], [picture("dogs/b_1")]]


def test_a_class_gives_its_smallest_group_where_all_are_too_large() -> None:
    groups = [[picture(f"cats/{n} {frame}") for frame in range(size)] for n, size in enumerate((9, 7, 8))]
    taken, others = take(groups, {"cats": 2}, splits_left=2)
    assert (taken, others) == ([groups[1]], [groups[0], groups[2]])


def test_groups_keep_their_split_when_an_outer_folder_is_renamed_or_a_group_is_added() -> None:
    before = [
        [picture(f"photos_v1/{label}/{n} {frame}") for frame in (1, 2)] for label in ("a", "b") for n in range(40)
    ]
    after = [[picture(f"photos_v2/{label}/{n} {frame}") for frame in (1, 2)] for label in ("a", "b") for n in range(40)]
    first = assigned_splits(assign_splits(before, SETTINGS))
    renamed = assigned_splits(assign_splits(after, SETTINGS))
    assert {path.replace("v2", "v1"): split for path, split in renamed.items()} == first
    added = assigned_splits(assign_splits([*before, [picture("photos_v1/a/new")]], SETTINGS))
    assert sum(added[path] != split for path, split in first.items()) <= 4  # a group from test, one from validation


def test_every_fifth_group_in_validation_becomes_test_where_the_folders_give_none() -> None:
    groups = [
        [picture(f"{split}/cats/{n}") for n in range(start, start + 3)]
        for start in range(10, 40, 3)
        for split in ("train", "validation")
    ]
    assigned = assign_splits(groups, SETTINGS)
    check_whole(assigned)
    tested = sorted(path for path, split in assigned_splits(assigned).items() if split == "test")
    assert [path.removeprefix("data/raw/validation/cats/") for path in tested] == [
        f"{n}.jpg" for n in (10, 11, 12, 25, 26, 27)
    ]


def test_validation_is_taken_from_training_where_the_folders_give_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    leak = [picture("train/cats/again")[0], picture("test/cats/again")[0]]
    groups = [[leak], *([picture(f"train/{label}/{n}")] for label in ("cats", "dogs") for n in range(20))]
    assigned = assign_splits([*groups, [picture("test/dogs/1")]], SETTINGS)
    assert numbers(assigned, "validation") == {"cats": 4, "dogs": 4}
    assert "validation: 20 % of training, as the folders give none" in caplog.text
    assert leak in [photos for group in assigned for photos in group]  # of which test alone will be kept
    assert all("/test/" in path for path, split in assigned_splits(assigned).items() if split == "test")
    tested = [[picture(f"test/dogs/{n}")] for n in range(200)]
    assert assigned_splits(assigned).items() <= assigned_splits(assign_splits([*groups, *tested], SETTINGS)).items(), (
        "whatever test has"
    )


def test_photos_with_the_same_match_are_one_group_also_through_duplicates() -> None:
    rex, rex_again, tom, alone = (picture(f"dogs/{name}") for name in ("rex_1", "rex_2", "tom_1", "alone"))
    both = [*picture("dogs/tom_2"), *picture("dogs/rex_3")]
    groups = join_groups([rex, tom, alone, rex_again, both], r"/([^/]+)_\d\.jpg$")
    assert groups == [[rex, tom, rex_again, both], [alone]]


def test_a_picture_where_an_optional_group_is_missing_is_on_its_own_and_told(caplog: pytest.LogCaptureFixture) -> None:
    pictures = [picture(f"dogs/{name}") for name in ("rex_1", "rex_2", "1", "2")]
    assert list(map(len, join_groups(pictures, r"/(rex)?[_\d]*\.jpg$"))) == [2, 1, 1]
    warning = "split.group does not match 2 of 4 photos, which stay on their own, as data/raw/dogs/1.jpg"
    assert warning in [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(cows)", "to match paths of photos, as data/raw/dogs/1.jpg, but it matches none"),
        ("(raw)", "to tell groups of photos apart, but all are in one, of 'raw'"),
    ],
)
def test_a_pattern_that_tells_nothing_apart_is_one_line(pattern: str, message: str) -> None:
    expected = re.escape(f"split.group: expected '{pattern}' {message}: correct it in params.yaml")
    with pytest.raises(MismatchError, match=f"^{expected}$"):
        join_groups([picture("dogs/1"), picture("dogs/2")], pattern)
