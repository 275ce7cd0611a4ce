"""Find duplicates: files that show the same picture, though perhaps not with the same bytes."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeVar

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Photo = TypeVar("Photo")


def perceptual_hash(photo: Image.Image) -> np.ndarray:
    """Summarise a picture by the signs of its lowest frequencies: the pHash of Zauner, 2010.

    Returns:
        bool, shaped (64,). Colour and small changes of size, brightness or sharpness hardly affect it.
    """
    return np.asarray(imagehash.phash(photo).hash).ravel()


def group_duplicates(hashes: Mapping[Photo, np.ndarray], max_distance: int | None) -> list[list[Photo]]:
    """Group the photos that show the same picture: the connected components of a graph that joins similar hashes.

    Args:
        hashes: by photo, bool, shaped (64,).
        max_distance: in how many bits (Hamming distance) the hashes of duplicates may differ; None: every photo is a
            group of its own.

    Returns:
        The groups in the order of their first photos; within each, the photos in theirs.
    """
    if max_distance is None:
        return [[photo] for photo in hashes]
    signs = np.stack([*hashes.values()]).astype(np.float32) * 2 - 1
    edges = []
    for start in range(0, len(signs), 1024):
        # The scalar product of vectors of 1 and -1 is 64 less twice the number of bits that differ.
        similar = signs[start : start + 1024] @ signs.T >= 64 - 2 * max_distance
        edges.append(np.argwhere(similar) + np.array([start, 0]))
    first, second = np.concatenate(edges).T
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(signs), len(signs)))
    groups = defaultdict(list)
    for photo, number in zip(hashes, connected_components(graph, directed=False)[1], strict=True):
        groups[number].append(photo)
    return list(groups.values())
