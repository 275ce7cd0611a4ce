"""Assign photos to splits in groups: what belongs together is never in two splits."""

import hashlib
import logging
import re
from collections import Counter, defaultdict
from itertools import chain, filterfalse
from unicodedata import normalize

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csc_array, eye_array, kron
from scipy.sparse.csgraph import connected_components

from stages.common.cli import MismatchError
from stages.common.params import Split
from stages.data.layout import LabelledPhoto

logger = logging.getLogger(__name__)

Picture = list[LabelledPhoto]  # a photo and its duplicates, all of one class
Group = list[Picture]  # what belongs together


def join_groups(pictures: list[Picture], pattern: str | None) -> list[Group]:
    """Join the pictures of which photos give ``pattern`` the same match.

    Args:
        pattern: a regular expression, searched for in the photos' paths, whose first group tells the groups apart. A
            picture without a match is a group of its own, and so is every picture if the pattern is None.

    Raises:
        MismatchError: The pattern matches no path, or joins all pictures.
    """
    if pattern is None:
        return [[picture] for picture in pictures]
    pattern = normalize("NFC", pattern)
    keys: dict[str, int] = {}
    edges, unmatched = [], []
    for number, picture in enumerate(pictures):
        for photo in picture:
            if (match := re.search(pattern, normalize("NFC", photo.path))) and match[1] is not None:
                edges.append((number, len(pictures) + keys.setdefault(match[1], len(keys))))
            else:
                unmatched.append(photo.path)
    if not edges:
        raise MismatchError(
            f"split.group: expected '{pattern}' to match paths of photos, as {pictures[0][0].path}, but it matches "
            "none: correct it in params.yaml"
        )
    nodes = len(pictures) + len(keys)
    graph = coo_array((np.ones(len(edges), bool), np.transpose(edges)), shape=(nodes, nodes))
    groups = defaultdict(list)
    for number, picture in zip(connected_components(graph, directed=False)[1], pictures, strict=False):
        groups[number].append(picture)
    if len(groups) == 1:
        raise MismatchError(
            f"split.group: expected '{pattern}' to tell groups of photos apart, but all are in one, of {min(keys)!r}: "
            "correct it in params.yaml"
        )
    logger.info("split.group joins %d pictures to %d groups", len(pictures), len(groups))
    if unmatched:
        photos = len(edges) + len(unmatched)
        text = "split.group does not match %d of %d photos, which stay on their own, as %s"
        logger.warning(text, len(unmatched), photos, unmatched[0])
    return list(groups.values())


def assign_splits(groups: list[Group], settings: Split) -> list[Group]:
    """Assign every photo to a split, for each class in the same proportions as nearly as groups allow.

    Splits that the folders give are kept. Where they give no validation split, it is taken from training; where they
    give no test split, from validation.
    """
    given = {photo.split for group in groups for photo in chain(*group)}
    if given == {""}:
        test, others = take(rank(groups, settings.seed), wanted(groups, settings.test_fraction), splits_left=2)
        validation, train = take(others, wanted(groups, settings.validation_fraction), splits_left=1)
        return fill_splits({"test": test, "validation": validation, "train": train}, "")
    if "validation" not in given:
        logger.info("validation: %.0f %% of training, as the folders give none", 100 * settings.validation_fraction)
        return take_validation_from_train(groups, settings)
    if "test" not in given:
        return take_test_from_validation(groups, settings.test_every)
    return groups


def wanted(groups: list[Group], fraction: float) -> dict[str, int]:
    """Compute how many pictures of each class make up a fraction of them, at least one."""
    pictures = Counter(picture[0].label for group in groups for picture in group)
    return {label: max(1, round(count * fraction)) for label, count in pictures.items()}


def rank(groups: list[Group], seed: int) -> list[Group]:
    """Shuffle groups by a hash of the seed and the first name of their photos.

    So a group keeps its place among the others when photos are added or removed, or an outer folder is renamed
    (docs/decisions/hashed_split.md).
    """
    firsts = [min(photo.name for photo in chain(*group)) for group in groups]
    hashes = [hashlib.sha256(f"{seed} {name}".encode()).digest() for name in firsts]
    return [group for _, group in sorted(zip(hashes, groups, strict=True))]


def take(groups: list[Group], numbers: dict[str, int], splits_left: int) -> tuple[list[Group], list[Group]]:
    """Take those groups, in their order, that bring the pictures of their classes nearer to these numbers.

    Each class keeps a group for each of the splits that are left to fill, and gives at least one, if need be its
    smallest.

    Returns:
        The groups taken, and the others.
    """
    taken, others = [], []
    missing = Counter(numbers)
    groups_left = Counter(label for group in groups for label in {picture[0].label for picture in group})
    for group in groups:
        pictures = Counter(picture[0].label for picture in group)
        gain = sum(abs(missing[label]) - abs(missing[label] - count) for label, count in pictures.items())
        if gain > 0 and all(groups_left[label] > splits_left for label in pictures):
            taken.append(group)
            missing.subtract(pictures)
            groups_left.subtract(pictures.keys())
        else:
            others.append(group)
    for label, number in numbers.items():
        candidates = [group for group in others if any(picture[0].label == label for picture in group)]
        if missing[label] == number and candidates:
            smallest = min(candidates, key=len)
            others.remove(smallest)
            taken.append(smallest)
            missing.subtract(picture[0].label for picture in smallest)
    return taken, others


def take_validation_from_train(groups: list[Group], settings: Split) -> list[Group]:
    """Move a fraction of the groups that are in training alone to validation."""

    def in_train(group: Group) -> bool:
        return all(photo.split == "train" for photo in chain(*group))

    training = rank(list(filter(in_train, groups)), settings.seed)
    validation, train = take(training, wanted(training, settings.validation_fraction), splits_left=1)
    return [*fill_splits({"train": train, "validation": validation}, "train"), *filterfalse(in_train, groups)]


def take_test_from_validation(groups: list[Group], every: int) -> list[Group]:
    """Move every n-th group in validation, by class and in the order of their paths there, to test."""

    def validation_photos(group: Group) -> list[LabelledPhoto]:
        return sorted(photo for photo in chain(*group) if photo.split == "validation")

    numbers: Counter[str] = Counter()
    chosen: dict[str, list[Group]] = {"validation": [], "test": []}
    for group in sorted(filter(validation_photos, groups), key=validation_photos):
        label = validation_photos(group)[0].label
        chosen["test" if numbers[label] % every == 0 else "validation"].append(group)
        numbers[label] += 1
    return [*filterfalse(validation_photos, groups), *fill_splits(chosen, "validation")]


def fill_splits(chosen: dict[str, list[Group]], source: str) -> list[Group]:
    """Put the photos of the ``source`` split into those chosen for their groups, with every class in each split.

    Where groups of several classes leave a split without one, as few pictures as possible go to another split than the
    one chosen. A class with fewer groups than there are splits is left as it is.

    Raises:
        MismatchError: No division of the groups gives each split photos of every class.
    """
    names = list(chosen)
    groups = [group for members in chosen.values() for group in members]
    splits = np.repeat(np.arange(len(names)), [len(members) for members in chosen.values()])
    labels = [{photo.label for photo in chain(*group) if photo.split == source} for group in groups]
    numbers = Counter(chain(*labels))
    enough = sorted(label for label, number in numbers.items() if number >= len(names))
    held = {(label, int(split)) for of_group, split in zip(labels, splits, strict=True) for label in of_group}
    if not all((label, split) in held for label in enough for split in range(len(names))):
        members = np.array([[label in of_group for of_group in labels] for label in enough])
        splits = divide(members, splits, np.array([len(group) for group in groups]), len(names))
    return [move(group, source, names[split]) for group, split in zip(groups, splits, strict=True)]


def divide(members: np.ndarray, splits: np.ndarray, sizes: np.ndarray, number: int) -> np.ndarray:
    """Change the splits of as few pictures as possible so that each class is in each of a ``number`` of splits.

    Args:
        members: which classes the groups have, bool, shaped (classes, groups).
        splits: the index of each group's split.
        sizes: pictures in each group.

    Returns:
        The new index of each group's split: the optimum of an integer linear program.
    """
    costs = np.repeat(sizes[:, None], number, axis=1)
    costs[np.arange(len(sizes)), splits] = 0
    one_split = LinearConstraint(kron(eye_array(len(sizes)), np.ones((1, number)), "csc"), 1, 1)
    every_class = LinearConstraint(kron(csc_array(members.astype(float)), eye_array(number), "csc"), 1)
    solved = milp(costs.ravel(), integrality=1, bounds=Bounds(0, 1), constraints=[one_split, every_class])
    if solved.x is None:
        raise MismatchError(
            "split.group: expected groups that can be divided with photos of every class in every split, but those of "
            "several classes rule it out: correct it in params.yaml, or add photos"
        )
    return np.asarray(solved.x.reshape(-1, number).argmax(axis=1))


def move(group: Group, old: str, new: str) -> Group:
    """Put a group's photos of one split into another."""
    return [[photo._replace(split=new) if photo.split == old else photo for photo in picture] for picture in group]
