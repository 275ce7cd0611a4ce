"""Duplicate search: files that show the same photo, though perhaps not with the same bytes."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from PIL import Image
from scipy.fft import dctn
from tqdm import tqdm

from stages.common.cli import logger
from stages.storage.arrays import ArrayStore

MAX_DIFFERENCE = 1.0  # between the thumbnails of duplicates, in standard deviations
MAX_GAIN = 1.5  # in contrast, from one duplicate to the other
FLAT = 8  # levels of 255: the standard deviation below which a photo has no contrast to adjust
BITS = 64  # of a perceptual hash
MIRRORED = np.tile([1.0, -1.0], 4)  # signs of a mirrored photo's horizontal frequencies
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # whose products' highest bits depend on all bits (Knuth)
HIGH = np.uint64(2**64 - 2**32)
THUMBNAILS = 64  # compared at once: 256 would leave the CPU's cache, and take three times as long
MANY_PAIRS = 50  # with similar hashes for each photo, which take long to compare


def hash_thumbnails(thumbnails: np.ndarray) -> np.ndarray:
    """Return the perceptual hashes of thumbnails, uint8, shaped (n, 3, 32, 32), and of the mirrored ones.

    They are uint64, shaped (n, 2). A hash (the pHash of Zauner, 2010, of 64 bits), the signs of the lowest frequencies,
    hardly changes with size, brightness or sharpness, and not at all with colour. Its bits are those of the library
    ImageHash, in a seventh of the time.
    """
    height, width = thumbnails.shape[2:]
    stacked = Image.fromarray(thumbnails.transpose(0, 2, 3, 1).reshape(-1, width, 3))
    grey = np.asarray(stacked.convert("L"), np.float64).reshape(-1, height, width)
    lowest = dctn(grey, axes=(1, 2))[:, :8, :8]
    both = np.stack([lowest, lowest * MIRRORED], axis=1).reshape(-1, 2, BITS)
    bits = np.packbits(both > np.median(both, axis=2, keepdims=True), axis=2)
    return bits.view(">u8")[..., 0].astype(np.uint64)


def find_clusters(photos: pd.DataFrame, thumbnails: ArrayStore, max_distance: int | None) -> np.ndarray:
    """Return the index of each photo's cluster: its duplicates, theirs, and so on.

    Two photos are duplicates if their hashes are similar, and so are their thumbnails, in colour. A mirrored photo is
    a duplicate only within its class, as classes may differ in nothing but left and right.

    Thumbnails are uint8, shaped (n, 3, 32, 32), each photo's at its index in the table. Without a ``max_distance`` of
    the hashes, in bits (Hamming), every photo is a cluster of its own.
    """
    if max_distance is None:
        return np.arange(len(photos))
    clusters = Clusters(len(thumbnails))
    searches = [(photos, False)]
    searches += [(same_class, True) for _, same_class in photos.groupby("label")]
    num_pairs, max_pairs = 0, MANY_PAIRS * len(photos)
    for compared, mirrored in searches:
        hashes = compared[["phash", "mirrored_phash"] if mirrored else ["phash"]].to_numpy()
        owners = np.repeat(compared.index.to_numpy(), hashes.shape[1])
        for pairs in similar_hashes(hashes.ravel(), owners, clusters, max_distance):
            pairs = np.sort(pairs, axis=0)
            if mirrored:  # the first photo's own hash is even, the mirrored one of the second is odd
                pairs = pairs[:, (pairs % 2 == [[0], [1]]).all(axis=0)]
            join_duplicates(clusters, owners[pairs], thumbnails, mirrored=mirrored)
            if num_pairs <= max_pairs < num_pairs + pairs.shape[1]:
                text = "photos look alike in so many pairs (%d) that comparing them takes long: if they are digits,"
                logger.warning(text + " pages or of a fixed camera, leave split.duplicate_distance empty", max_pairs)
            num_pairs += pairs.shape[1]
    return pd.factorize(clusters.firsts(photos.index.to_numpy()))[0]


class Clusters:
    """Clusters of photos, by index, that are joined step by step: a union-find forest."""

    def __init__(self, photos: int) -> None:
        self.parents = np.arange(photos)

    def firsts(self, indices: np.ndarray) -> np.ndarray:
        """Return the first member of the cluster of each index."""
        firsts = self.parents[indices]
        while (self.parents[firsts] != firsts).any():
            firsts = self.parents[firsts]
        return np.asarray(firsts)

    def join(self, pair: np.ndarray) -> None:
        """Join the clusters of two photos."""
        firsts = self.firsts(pair)
        self.parents[firsts.max()] = firsts.min()

    def flatten(self) -> None:
        """Make all later calls of ``firsts`` faster."""
        self.parents = self.firsts(self.parents)


def join_duplicates(clusters: Clusters, pairs: np.ndarray, thumbnails: ArrayStore, *, mirrored: bool) -> None:
    """Join the clusters of those pairs of photos, shaped (2, pairs), whose thumbnails are similar, too."""
    for start in range(0, pairs.shape[1], THUMBNAILS):
        block = pairs[:, start : start + THUMBNAILS]
        block = block[:, np.not_equal(*clusters.firsts(block))]
        if not block.size:
            continue
        first, second = block
        others = thumbnails[second][..., ::-1] if mirrored else thumbnails[second]
        for pair in block.T[are_similar(thumbnails[first], others)]:
            clusters.join(pair)


def find_conflicts(photos: pd.DataFrame, thumbnails: ArrayStore, max_distance: int) -> pd.Series:
    """Return, for each photo that is directly a duplicate of one of another class, that one's path."""
    conflicts = {}
    is_mixed = photos.groupby("cluster")["label"].transform("nunique") > 1
    for _, cluster in photos[is_mixed].groupby("cluster"):
        for label, same_class in cluster.groupby("label"):
            others = cluster[cluster["label"] != label]
            indices, hashes = others.index.to_numpy(), others["phash"].to_numpy()
            for index, phash in zip(same_class.index.to_numpy(), same_class["phash"].to_numpy(), strict=True):
                near = indices[np.bitwise_count(hashes ^ phash) <= max_distance]
                if (duplicate := first_similar(thumbnails, index, near)) is not None:
                    conflicts[index] = photos.at[duplicate, "path"]
    return pd.Series(conflicts, dtype=str)


def first_similar(thumbnails: ArrayStore, index: int, others: np.ndarray) -> int | None:
    """Return the first of ``others`` whose thumbnail is similar to that at ``index``, comparing a few at a time."""
    for start in range(0, len(others), THUMBNAILS):
        few = others[start : start + THUMBNAILS]
        is_similar = are_similar(thumbnails[np.full(len(few), index)], thumbnails[few])
        if is_similar.any():
            return int(few[is_similar.argmax()])
    return None


def similar_hashes(
    hashes: np.ndarray, owners: np.ndarray, clusters: Clusters, max_distance: int
) -> Iterator[np.ndarray]:
    """Yield each pair of similar hashes of different clusters once, as indices, int, shaped (2, pairs).

    Only hashes that agree in all bits of one of some masks are compared, found by sorting, for each mask. Among those,
    hashes are sorted by cluster, and again once many have been joined: copies of a photo cost few comparisons each.

    Hashes are uint64, shaped (n,); ``owners`` has the index of each one's photo. Between the pairs, the caller joins
    the clusters.
    """

    def cost(masks: np.ndarray) -> float:  # a hash, in pairs compared: sorting it takes as long as comparing 30
        return float((30 + len(hashes) / 2.0 ** np.bitwise_count(masks)).sum())

    masks = min((bit_masks(max_distance, sections) for sections in range(4)), key=cost)
    for number, mask in enumerate(tqdm(masks, "comparing photos", unit="pass", disable=None, delay=1, leave=False)):
        joined = len(hashes)
        while joined > len(hashes) / 10:  # so that sorting again pays
            clusters.flatten()
            # 32 bits that stand for the compared ones, and 32 for the cluster.
            keys = (hashes & mask) * MULTIPLIER & HIGH | clusters.firsts(owners).astype(np.uint64)
            joined = 0
            for pairs in _pairs_in_runs(keys, hashes, max_distance):
                for earlier in masks[:number]:  # without the pairs that it has had
                    pairs = pairs[:, np.not_equal(*hashes[pairs] & earlier)]
                if pairs.size:
                    yield pairs
                    joined += np.equal(*clusters.firsts(owners[pairs])).sum()
                if joined > len(hashes) / 10:
                    break


def _pairs_in_runs(keys: np.ndarray, hashes: np.ndarray, max_distance: int) -> Iterator[np.ndarray]:
    """Yield pairs of similar hashes, as indices, whose keys agree in the upper half and differ in the lower one.

    Sorted by key, hashes with the same upper half are a run. Step by step each is compared with those behind it in its
    run, from the first with another key on; those with the most to compare come first, so that those left are a slice.
    """
    order = np.argsort(keys)
    keys, ordered = keys[order], hashes[order]
    seconds = _run_stops(keys)
    counts = _run_stops(keys & HIGH) - seconds
    firsts = np.argsort(-counts)
    seconds, compared = seconds[firsts], ordered[firsts]
    for step, left in enumerate(np.searchsorted(-counts[firsts], -np.arange(counts.max(initial=0)))):
        others = seconds[:left] + step
        near = np.flatnonzero(np.bitwise_count(compared[:left] ^ ordered[others]) <= max_distance)
        yield order[np.stack([firsts[near], others[near]])]


def bit_masks(max_distance: int, sections: int) -> np.ndarray:
    """Return masks, uint64, of so many sections of a hash each: any ``max_distance`` bits leave one mask untouched."""
    count = max_distance + sections
    bits = [sum(1 << bit for bit in range(first, BITS, count)) for first in range(count)]
    return np.array([sum(chosen) for chosen in combinations(bits, sections)], np.uint64)


def _run_stops(values: np.ndarray) -> np.ndarray:
    """Return for each value where its run of equal ones stops."""
    stops = np.append(np.flatnonzero(np.diff(values)) + 1, len(values))
    return np.repeat(stops, np.diff(stops, prepend=0))


def are_similar(thumbnails: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare thumbnails with others, one to one, all uint8, shaped (n, 3, 32, 32); the result is bool, shaped (n,).

    Two are similar if no value differs by more than ``MAX_DIFFERENCE`` standard deviations of a photo, once both have
    the same brightness and contrast, whichever is adjusted to the other.
    """
    similar: np.ndarray = _largest_excess(thumbnails, others) <= MAX_DIFFERENCE
    similar[similar] = _largest_excess(others[similar], thumbnails[similar]) <= MAX_DIFFERENCE
    return similar


def _largest_excess(thumbnails: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compute how far values leave the range of the 3 by 3 values around the same pixel of ``others``.

    The range is that of 3 by 3 values because scaling shifts pixels. Returns the largest excess of each thumbnail, in
    standard deviations of the other photo: float32, shaped (n,).
    """
    values = (1, 2, 3)
    # Of the pixels, in the quadratic mean of the channels.
    spread, other_spread = (np.sqrt(arrays.var((2, 3), np.float32).mean(axis=1)) for arrays in (thumbnails, others))
    mean, other_mean = (arrays.mean(values, np.float32, keepdims=True) for arrays in (thumbnails, others))
    # The gain and the offset that bring one nearest to the other, in least squares. A flat one keeps its colour, or it
    # would be similar to any other.
    centred = thumbnails - mean
    covariance = (centred * (others - other_mean)).mean(values, keepdims=True)
    gain = covariance / np.square(centred).mean(values, keepdims=True).clip(1)
    adjusted = (gain.clip(1 / MAX_GAIN, MAX_GAIN) * centred + other_mean).clip(0, 255)
    flat = np.minimum(spread, other_spread) < FLAT
    adjusted[flat] = thumbnails[flat]
    low, high = (_neighbourhood(others, extreme) for extreme in (np.minimum, np.maximum))
    excess = np.maximum(low - adjusted, adjusted - high).max(values).clip(0)
    return np.asarray(excess / np.maximum(other_spread, FLAT))


def _neighbourhood(thumbnails: np.ndarray, extreme: np.ufunc) -> np.ndarray:
    """Compute the least or greatest of the 3 by 3 values around each, nine times faster than ``scipy.ndimage``."""
    padded = np.pad(thumbnails, ((0, 0), (0, 0), (1, 1), (1, 1)), "edge")
    rows = extreme(extreme(padded[:, :, :-2], padded[:, :, 1:-1]), padded[:, :, 2:])
    return np.asarray(extreme(extreme(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:]))
