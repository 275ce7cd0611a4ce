"""Assign photos to splits in groups: what belongs together is never in two splits."""

import hashlib
import logging
import os
import re
from collections import Counter, defaultdict
from itertools import chain, filterfalse
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stages.common.params import Split
from stages.common.program import UserError
from stages.intake.layout import LabelledPhoto

logger = logging.getLogger(__name__)

Picture = list[LabelledPhoto]  # a photo and its duplicates, all of one class
Group = list[Picture]  # what belongs together


def join_groups(pictures: list[Picture], pattern: str | None) -> list[Group]:
    """Join the pictures of which photos give ``pattern`` the same match.

    Args:
        pattern: a regular expression, searched for in the photos' paths, whose first group tells the groups apart. A
            picture without a match is a group of its own, and so is every picture if the pattern is None.

    Raises:
        UserError: The pattern matches no path, or joins all pictures.
    """
    if pattern is None:
        return [[picture] for picture in pictures]
    keys: dict[str, int] = {}
    edges = [
        (number, len(pictures) + keys.setdefault(match[1], len(keys)))
        for number, picture in enumerate(pictures)
        for photo in picture
        if (match := re.search(pattern, photo.path)) and match[1] is not None
    ]
    if not edges:
        raise UserError(
            f"split.group: expected {pattern!r} to match paths of photos, as {pictures[0][0].path}, but it matches none"
        )
    nodes = len(pictures) + len(keys)
    graph = coo_array((np.ones(len(edges), bool), np.transpose(edges)), shape=(nodes, nodes))
    groups = defaultdict(list)
    for number, picture in zip(connected_components(graph, directed=False)[1], pictures, strict=False):
        groups[number].append(picture)
    if len(groups) == 1:
        raise UserError(
            f"split.group: expected {pattern!r} to tell groups of photos apart, but all are in one, of {min(keys)!r}"
        )
    photos = sum(map(len, pictures))
    logger.info("split.group matches %d of %d photos: %d groups in all", len(edges), photos, len(groups))
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
        chosen = {"test": test, "validation": validation, "train": train}
        return [move(group, "", split) for split, members in chosen.items() for group in members]
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
    """Shuffle groups by a hash of the seed and their first path, from the folder that holds all photos.

    So a group keeps its place when photos are added or removed, or an outer folder is renamed.
    """
    root = os.path.commonpath([Path(photo.path).parent for group in groups for photo in chain(*group)])
    firsts = [os.path.relpath(min(photo.path for photo in chain(*group)), root) for group in groups]
    hashes = [hashlib.sha256(f"{seed} {path}".encode()).digest() for path in firsts]
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
    moved = [move(group, "train", "validation") for group in validation]
    return [*train, *moved, *filterfalse(in_train, groups)]


def take_test_from_validation(groups: list[Group], every: int) -> list[Group]:
    """Move every n-th group in validation, by class and in the order of their paths there, to test."""

    def in_validation(group: Group) -> list[LabelledPhoto]:
        return sorted(photo for photo in chain(*group) if photo.split == "validation")

    numbers: Counter[str] = Counter()
    assigned = [group for group in groups if not in_validation(group)]
    for group in sorted(filter(in_validation, groups), key=in_validation):
        label = in_validation(group)[0].label
        assigned.append(move(group, "validation", "test") if numbers[label] % every == 0 else group)
        numbers[label] += 1
    return assigned


def move(group: Group, old: str, new: str) -> Group:
    """Put a group's photos of one split into another."""
    return [[photo._replace(split=new) if photo.split == old else photo for photo in picture] for picture in group]
