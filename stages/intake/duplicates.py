"""Find duplicates: files that show the same picture, though perhaps not with the same bytes."""

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def perceptual_hash(photo: Image.Image) -> np.ndarray:
    """Summarise a picture by the signs of its lowest frequencies: the pHash of Zauner, 2010.

    Returns:
        bool, shaped (64,). Colour and small changes of size, brightness or sharpness hardly affect it.
    """
    return np.asarray(imagehash.phash(photo).hash).ravel()


def group_duplicates(hashes: np.ndarray, max_distance: int) -> np.ndarray:
    """Number the groups of photos that show the same picture.

    Groups are the connected components of the graph whose edges join photos with similar hashes.

    Args:
        hashes: bool, shaped (photos, 64).
        max_distance: in how many bits (Hamming distance) the hashes of duplicates may differ.

    Returns:
        int, shaped (photos,): the number of each photo's group.
    """
    signs = hashes.astype(np.float32) * 2 - 1
    edges = []
    for start in range(0, len(signs), 1024):
        # The scalar product of vectors of 1 and -1 is 64 less twice the number of bits that differ.
        similar = signs[start : start + 1024] @ signs.T >= 64 - 2 * max_distance
        edges.append(np.argwhere(similar) + np.array([start, 0]))
    first, second = np.concatenate(edges).T
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(signs), len(signs)))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups)
