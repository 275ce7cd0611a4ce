"""Find duplicates: files that show the same picture, though perhaps not with the same bytes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import imagehash
import numpy as np
from PIL import Image, ImageOps

from stages.data.layout import LabelledPhoto

SIDE = 32  # of a thumbnail, in pixels
MAX_DIFFERENCE = 1.0  # between the thumbnails of duplicates, in standard deviations
MAX_GAIN = 1.5  # in contrast, from one duplicate to the other
FLAT = 8  # levels of 255: the standard deviation below which a picture has no contrast to adjust


class Fingerprint(NamedTuple):
    """What is kept of a photo to find its duplicates."""

    thumbnail: np.ndarray  # uint8, shaped (3, 32, 32): red, green, blue
    phash: np.ndarray  # bool, shaped (64,)
    mirrored_phash: np.ndarray  # the same of the photo mirrored from left to right


def fingerprint(photo: Image.Image) -> Fingerprint:
    """Reduce a photo in RGB to a thumbnail and its perceptual hashes (the pHash of Zauner, 2010).

    Such a hash, the signs of the lowest frequencies, hardly changes with size, brightness or sharpness, and not at all
    with colour.
    """
    thumbnail = photo.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3)  # which makes it faster
    hashes = [np.asarray(imagehash.phash(picture).hash).ravel() for picture in (thumbnail, ImageOps.mirror(thumbnail))]
    return Fingerprint(np.moveaxis(np.asarray(thumbnail), 2, 0), *hashes)


def group_duplicates(
    fingerprints: Mapping[LabelledPhoto, Fingerprint], max_distance: int | None
) -> list[list[LabelledPhoto]]:
    """Group the photos that show the same picture, directly or through photos between them.

    Two photos do if their hashes are similar, and so are their thumbnails, in colour. A mirrored photo counts within
    its class only, as classes may differ in nothing but left and right.

    Args:
        fingerprints: of all photos.
        max_distance: in how many bits (Hamming distance) the hashes of duplicates may differ; None: every photo is a
            group of its own.

    Returns:
        The groups in the order of their first photos; within each, the photos in theirs.
    """
    photos = list(fingerprints)
    if max_distance is None:
        return [[photo] for photo in photos]
    thumbnails, hashes, mirrored_hashes = map(np.stack, zip(*fingerprints.values(), strict=True))
    labels = np.array([photo.label for photo in photos])
    numbers = np.arange(len(photos))  # of each photo's group
    for first, others in similar_hashes(hashes, hashes, max_distance):
        others = others[numbers[others] != numbers[first]]
        same = others[differences(thumbnails[first], thumbnails[others]) <= MAX_DIFFERENCE]
        numbers[np.isin(numbers, numbers[same])] = numbers[first]
    for first, others in similar_hashes(hashes, mirrored_hashes, max_distance):
        others = others[(numbers[others] != numbers[first]) & (labels[others] == labels[first])]
        same = others[differences(thumbnails[first], thumbnails[others][..., ::-1]) <= MAX_DIFFERENCE]
        numbers[np.isin(numbers, numbers[same])] = numbers[first]
    groups = defaultdict(list)
    for photo, number in zip(photos, numbers, strict=True):
        groups[number].append(photo)
    return list(groups.values())


def find_conflicts(
    photos: list[LabelledPhoto], fingerprints: Mapping[LabelledPhoto, Fingerprint], max_distance: int
) -> dict[str, str]:
    """Find the photos of one group that are duplicates of a photo of another class, directly.

    Returns:
        For the path of each such photo that of one it is a duplicate of.
    """
    photos = sorted(photos)
    if len({photo.label for photo in photos}) == 1:
        return {}
    thumbnails, hashes, _ = map(np.stack, zip(*(fingerprints[photo] for photo in photos), strict=True))
    labels = np.array([photo.label for photo in photos])
    found = {}
    for number, photo in enumerate(photos):
        near = (hashes != hashes[number]).sum(axis=1) <= max_distance
        others = np.flatnonzero(near & (labels != labels[number]))
        for start in range(0, len(others), 32):  # as one will do
            block = others[start : start + 32]
            same = block[differences(thumbnails[number], thumbnails[block]) <= MAX_DIFFERENCE]
            if len(same):
                found[photo.path] = photos[same[0]].path
                break
    return found


def similar_hashes(hashes: np.ndarray, others: np.ndarray, max_distance: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the index of each hash that later ``others`` are similar to, with theirs; both are bool, shaped (n, 64)."""
    signs, other_signs = (bits.astype(np.float32) * 2 - 1 for bits in (hashes, others))
    for start in range(0, len(signs), 1024):
        # The scalar product of vectors of 1 and -1 is 64 less twice the number of bits that differ.
        similar = signs[start : start + 1024] @ other_signs[start:].T >= 64 - 2 * max_distance
        for row in range(len(similar)):
            found = np.flatnonzero(similar[row, row + 1 :])
            if len(found):
                yield start + row, start + row + 1 + found


def differences(thumbnail: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare a thumbnail, shaped (3, 32, 32), with others, shaped (n, 3, 32, 32), all uint8.

    Returns:
        float32, shaped (n,): the largest difference of a value, once both pictures have the same brightness and
        contrast, in standard deviations of a picture; the worse of comparing either with the other.
    """
    largest = np.zeros(len(others), np.float32)
    for start in range(0, len(others), 256):
        two = others[start : start + 256]
        one = np.broadcast_to(thumbnail, two.shape)
        largest[start : start + 256] = np.maximum(_largest_excess(one, two), _largest_excess(two, one))
    return largest


def _largest_excess(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compute how far the values of ``pictures`` leave the range of the 3 by 3 values around their place in ``others``.

    So a picture whose pixels moved a little, as scaling moves them, differs little.
    """
    values = (1, 2, 3)
    spread, other_spread = _standard_deviation(pictures), _standard_deviation(others)
    mean, other_mean = (some.mean(values, np.float32, keepdims=True) for some in (pictures, others))
    # The gain and the offset that bring one nearest to the other, in least squares. A flat picture has neither: it
    # would come to any colour.
    centred = pictures - mean
    covariance = (centred * (others - other_mean)).mean(values, keepdims=True)
    gain = covariance / np.square(centred).mean(values, keepdims=True).clip(1)
    adjusted = (gain.clip(1 / MAX_GAIN, MAX_GAIN) * centred + other_mean).clip(0, 255)
    flat = np.minimum(spread, other_spread) < FLAT
    adjusted[flat] = pictures[flat]
    low, high = _neighbourhood(others, np.minimum), _neighbourhood(others, np.maximum)
    excess = np.maximum(low - adjusted, adjusted - high).max(values).clip(0)
    return np.asarray(excess / np.maximum(other_spread, FLAT))


def _standard_deviation(pictures: np.ndarray) -> np.ndarray:
    """Compute the standard deviation over a picture's pixels, in the quadratic mean of its channels."""
    return np.asarray(np.sqrt(pictures.var((2, 3), np.float32).mean(axis=1)))


def _neighbourhood(pictures: np.ndarray, extreme: np.ufunc) -> np.ndarray:
    """Take the least or greatest of the 3 by 3 values around each."""
    padded = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)), "edge")
    rows = extreme(extreme(padded[:, :, :-2], padded[:, :, 1:-1]), padded[:, :, 2:])
    return np.asarray(extreme(extreme(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:]))
