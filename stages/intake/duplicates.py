"""Find photos that are the same picture, though perhaps not the same bytes."""

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def perceptual_hash(photo: Image.Image) -> np.ndarray:
    """Sum a picture up in 64 bits (bool) by its lowest frequencies: the pHash of Zauner, 2010."""
    return np.asarray(imagehash.phash(photo).hash).ravel()


def group_same(hashes: np.ndarray, max_distance: int) -> np.ndarray:
    """Tell which photos are the same picture.

    Args:
        hashes: bool, shaped (photos, 64).
        max_distance: in how many bits the hashes of the same picture may differ.

    Returns:
        int, shaped (photos,): two photos have the same number if they, or some photos between them, are alike.
    """
    bits = hashes.astype(np.float32) * 2 - 1
    pairs = []
    for start in range(0, len(bits), 1024):
        # The scalar product of vectors of 1 and -1 is 64 less twice the number of bits that differ.
        alike = bits[start : start + 1024] @ bits.T >= 64 - 2 * max_distance
        pairs.append(np.argwhere(alike) + np.array([start, 0]))
    first, second = np.concatenate(pairs).T
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(bits), len(bits)))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups)
