"""Assign photos to splits by groups: photos that belong together are never in two splits."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from unicodedata import normalize

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csc_array, eye_array, kron
from scipy.sparse.csgraph import connected_components

from stages.common.cli import MismatchError, logger, quoted
from stages.common.params import Split


def find_groups(photos: pd.DataFrame, settings: Split, group_of: Mapping[str, str]) -> np.ndarray:
    """Return the index of each photo's group: the clusters of photos that belong together.

    Two photos do if ``settings.group`` finds the same text in their paths (its first group), or if ``group_of``, the
    values of ``settings.group_column`` by name, has the same for both. A cluster with neither is a group of its own.
    """
    clusters = photos["cluster"].to_numpy()
    if settings.group:
        pattern = normalize("NFC", settings.group)
        matches = [re.search(pattern, normalize("NFC", path)) for path in photos["path"]]
        found = [match and match[1] for match in matches]
        parameter = f"split.group: expected '{pattern}'"
    elif settings.group_column:
        found = [group_of.get(name) for name in photos["name"]]
        parameter = f"split.group_column: expected '{settings.group_column}'"
    else:
        return clusters
    keys, names = pd.factorize(np.array(found, object))  # -1 where there is none
    matched = keys >= 0
    if not matched.any():
        path = photos["path"].iloc[0]
        raise MismatchError(f"{parameter} to give photos such as {path} a group, but it gives none")
    first_key = clusters.max() + 1  # the nodes of the graph are the clusters, then the keys
    ends = clusters[matched], first_key + keys[matched]
    graph = coo_array((np.ones(matched.sum(), bool), ends), shape=[first_key + len(names)] * 2)
    groups: np.ndarray = connected_components(graph, directed=False)[1][clusters]
    if len(set(groups)) == 1:
        raise MismatchError(f"{parameter} to give several groups, but all photos are in {min(names)!r}")
    logger.info("groups: %d, of %d clusters", len(set(groups)), len(set(clusters)))
    if not matched.all():
        text = "%d of %d photos have no group, and stay on their own, such as %s"
        logger.warning(text, (~matched).sum(), len(photos), photos["path"][~matched].iloc[0])
    return groups


def assign_splits(photos: pd.DataFrame, settings: Split, removed: pd.DataFrame | None = None) -> pd.Series:
    """Return the split of each photo: for each class in the same proportions as nearly as groups allow.

    Splits that are given are kept. Where no validation split is given, it is taken from training; where no test split
    is, from validation, where photos ``removed`` by a correction still count: the others keep their splits.
    """
    given = set(photos["split"])
    if given == {""}:
        others = rank_groups(photos, settings.seed)  # the groups that have no split yet
        in_validation = target_counts(others, settings.validation_fraction)
        test, others = select_groups(others, target_counts(others, settings.test_fraction), splits_left=2)
        validation, others = select_groups(others, in_validation, splits_left=1)
        return fill_splits(photos, {"test": test, "validation": validation, "train": [*others["group"].unique()]}, "")
    if "validation" not in given:
        logger.info("validation: %.0f %% of training, as none are given", 100 * settings.validation_fraction)
        in_train_alone = photos["split"].eq("train").groupby(photos["group"]).transform("all")
        groups = rank_groups(photos[in_train_alone], settings.seed)
        validation, train = select_groups(groups, target_counts(groups, settings.validation_fraction), splits_left=1)
        return fill_splits(photos, {"train": [*train["group"].unique()], "validation": validation}, "train")
    if "test" not in given:  # every n-th group in validation, by class, in the order of their first paths there
        # A removed photo has no group: it counts as one by itself, unless it may have been in another's (split.group).
        listed = pd.concat([photos, None if settings.has_groups else removed]).sort_values("path")
        listed = listed[listed["split"] == "validation"]
        firsts = listed[~listed["group"].duplicated() | (listed["group"] < 0)]
        # By the labels before corrections, or one would move other photos between validation and test.
        label = firsts["given"].where(firsts["given"] != "", firsts["label"])
        in_test = (firsts.groupby(label).cumcount() % settings.test_every == 0)[firsts["group"] >= 0]
        left = firsts["group"][in_test.index]
        return fill_splits(photos, {"validation": [*left[~in_test]], "test": [*left[in_test]]}, "validation")
    return photos["split"]


def rank_groups(photos: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Count the ``clusters`` of each ``label`` in each ``group``, a row each.

    Groups are sorted by a hash of the seed and the first name of their photos. So a group keeps its rank among the
    others when photos are added or removed, or an outer folder is renamed (docs/decisions/hashed_split.md).
    """
    clusters = photos[["cluster", "group", "label"]].drop_duplicates("cluster")
    counts = clusters.groupby(["group", "label"], sort=False).size().reset_index(name="clusters")
    firsts = photos[["name", "group"]].sort_values("name").drop_duplicates("group").sort_values("group")
    digests = (hashlib.sha256(f"{seed} {name}".encode()).digest() for name in firsts["name"])
    hashes = np.fromiter(digests, "S32", len(firsts))
    return firsts["group"].iloc[np.argsort(hashes, kind="stable")].to_frame().merge(counts)


def target_counts(groups: pd.DataFrame, fraction: float) -> dict[str, int]:
    """Compute how many clusters of each class, in the order of their first photos, make up a fraction, at least one."""
    totals = groups.sort_values("group", kind="stable").groupby("label", sort=False)["clusters"].sum()
    return {str(label): max(1, round(count * fraction)) for label, count in totals.items()}


def select_groups(groups: pd.DataFrame, targets: dict[str, int], splits_left: int) -> tuple[list[int], pd.DataFrame]:
    """Fill the target number of clusters of each class greedily; return the groups taken, and the rows of the others.

    Each class keeps a group for each of the splits that are left to fill, and gives at least one, if need be its
    smallest.
    """
    missing, groups_left = Counter(targets), Counter(groups["label"])
    taken: list[int] = []
    rows = zip(groups["group"], groups["label"], groups["clusters"], strict=True)
    for group, group_rows in groupby(rows, itemgetter(0)):
        clusters = {label: count for _, label, count in group_rows}
        gain = sum(abs(missing[label]) - abs(missing[label] - count) for label, count in clusters.items())
        if gain > 0 and all(groups_left[label] > splits_left for label in clusters):
            taken.append(group)
            missing.subtract(clusters)
            groups_left.subtract(clusters.keys())
    for label, target in targets.items():
        if missing[label] == target:
            others = groups[~groups["group"].isin(taken)]
            sizes = others.groupby("group", sort=False)["clusters"].sum()
            smallest = sizes[others["group"][others["label"] == label]].nsmallest(1).index
            taken.extend(smallest)
            added = others[others["group"].isin(smallest)]
            missing.subtract(dict(zip(added["label"], added["clusters"], strict=True)))
    return taken, groups[~groups["group"].isin(taken)]


def fill_splits(photos: pd.DataFrame, groups_of: dict[str, list[int]], source: str) -> pd.Series:
    """Return the split of each photo after moving those in ``source`` to the splits that ``groups_of`` gives them.

    Where groups of several classes leave a split without one, as few clusters as possible go to another split than in
    ``groups_of``. A class with fewer groups than there are splits is left as it is.
    """
    names = list(groups_of)
    splits = pd.concat([pd.Series(name, pd.Index(groups, dtype=int), dtype=str) for name, groups in groups_of.items()])
    is_moved = (photos["split"] == source) & photos["group"].isin(splits.index)
    pairs = photos.loc[is_moved, ["label", "group"]].drop_duplicates()
    pairs = pairs[pairs.groupby("label")["group"].transform("size") >= len(names)]
    pairs = pairs.assign(split=pairs["group"].map(splits))
    # Moving the groups of a class that lacks a split may help; other classes may then lack one, too, and so on. Moving
    # any other group does not help.
    lacking, staying = pd.Index([]), pairs
    while True:
        counts = staying.groupby("label")["split"].nunique().reindex(pairs["label"].unique(), fill_value=0)
        if (counts < len(names)).sum() == len(lacking):
            break
        lacking = counts.index[counts < len(names)]
        staying = pairs[~pairs["group"].isin(pairs["group"][pairs["label"].isin(lacking)])]
    if len(lacking):
        lacking_pairs = pairs[pairs["label"].isin(lacking)]
        movable = splits.index[splits.index.isin(lacking_pairs["group"])]
        members = pd.crosstab(lacking_pairs["label"], lacking_pairs["group"])[movable].to_numpy(bool)
        sizes = photos.drop_duplicates("cluster")["group"].value_counts()[movable].to_numpy()
        divided = divide(members, splits[movable].map(names.index).to_numpy(), sizes, len(names))
        if divided is None:
            raise MismatchError(
                f"split.group, split.group_column: expected groups that let each of {', '.join(names)} have photos of "
                f"{quoted(map(str, lacking))}, received groups that cannot: add photos of these classes in other groups"
            )
        splits[movable] = np.array(names)[divided]
    return photos["split"].mask(is_moved, photos["group"].map(splits))


def divide(members: np.ndarray, splits: np.ndarray, sizes: np.ndarray, num_splits: int) -> np.ndarray | None:
    """Move as few clusters as possible so that each class is in each of ``num_splits`` splits, by an integer program.

    Returns None if no division has each class in each split.

    Args:
        members: which classes the groups have, bool, shaped (classes, groups).
        splits: index of each group's split, int, shaped (groups,), as returned.
        sizes: number of clusters in each group, int, shaped (groups,).
    """
    costs = np.repeat(sizes[:, None], num_splits, axis=1)
    costs[np.arange(len(sizes)), splits] = 0
    one_split = LinearConstraint(kron(eye_array(len(sizes)), np.ones((1, num_splits)), "csc"), 1, 1)
    every_class = LinearConstraint(kron(csc_array(members.astype(float)), eye_array(num_splits), "csc"), 1)
    solved = milp(costs.ravel(), integrality=1, bounds=Bounds(0, 1), constraints=[one_split, every_class])
    return None if solved.x is None else np.asarray(solved.x.reshape(-1, num_splits).argmax(axis=1))
