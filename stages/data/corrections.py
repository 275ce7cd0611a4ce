"""Correct labels and remove photos as a person has confirmed in ``corrections.csv``."""

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from stages.common.cli import MismatchError
from stages.data.label_csv import match_names
from stages.data.layout import LabelledPhoto
from stages.storage.photo_lists import REMOVED

REMOVE = "remove"  # in place of a label


class Corrected(NamedTuple):
    """The photos after their correction."""

    photos: list[LabelledPhoto]  # that stay, with the labels that count
    reviewed: list[tuple[str, str, str]]  # the path, the label given and the one that counts, often the same; sorted
    removed: dict[str, str]  # the reason for each path


def apply_corrections(photos: list[LabelledPhoto], listed: Mapping[PurePosixPath, set[str]]) -> Corrected:
    """Give photos the ``listed`` labels by their paths, one each: a class, ``remove``, or none, which changes nothing.

    Raises:
        MismatchError: A correction fits no photo, or some class would lose all its photos.
    """
    found = {photo.path: photo for photo in photos}
    classes = sorted({photo.label for photo in photos})
    corrections = {path: labels for path, labels in match_names(listed, found.keys()).items() if labels}
    for path, labels in corrections.items():
        check_correction(path, labels, found, classes)
    removed = {path: REMOVED for path, labels in corrections.items() if REMOVE in labels}
    kept = [
        photo._replace(label=min(corrections.get(photo.path, {photo.label})))
        for photo in photos
        if photo.path not in removed
    ]
    if lost := sorted(set(classes) - {photo.label for photo in kept}):
        raise MismatchError(
            f"corrections.csv: expected to leave photos of every class, found none left of {lost[0]!r}: delete some of "
            "its lines"
        )
    reviewed = [(photo.path, found[photo.path].label, photo.label) for photo in kept if photo.path in corrections]
    return Corrected(kept, sorted(reviewed), removed)


def check_correction(path: str, labels: set[str], found: Collection[str], classes: list[str]) -> None:
    """Raise a MismatchError if the path is none of those ``found``, or the label is not one class or ``remove``."""
    if path not in found:
        raise MismatchError(
            f"corrections.csv: expected paths of labelled photos, as {min(found)}, received {path}: correct or "
            "delete its line"
        )
    if len(labels) > 1:
        raise MismatchError(f"corrections.csv: two lines disagree on {path} ({', '.join(sorted(labels))}): delete one")
    if not labels <= {*classes, REMOVE}:
        raise MismatchError(
            f"corrections.csv: expected for {path} one of the classes ({', '.join(classes)}) or {REMOVE}, "
            f"received {min(labels)}"
        )
    if REMOVE in labels and REMOVE in classes:
        raise MismatchError(
            f"corrections.csv: {REMOVE} (for {path}) removes photos, but is also the name of a class: rename the class"
        )
