"""Correct labels and remove photos as a person has confirmed in ``corrections.csv``."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from stages.common.program import MismatchError
from stages.intake.layout import LabelledPhoto
from stages.photos.lists import REMOVED

REMOVE = "remove"  # in place of a label


class Corrected(NamedTuple):
    """The photos after their correction."""

    photos: list[LabelledPhoto]  # that stay, with the labels that count
    relabelled: list[tuple[str, str, str]]  # the path, the label given and the one that counts, sorted
    removed: dict[str, str]  # the reason for each path


def apply_corrections(photos: list[LabelledPhoto], listed: Mapping[PurePosixPath, set[str]]) -> Corrected:
    """Give photos the ``listed`` labels by their paths, one each: a class, ``remove``, or none, which changes nothing.

    Raises:
        MismatchError: A path is of no photo, has two labels, or one that is no class.
    """
    found = {photo.path: photo for photo in photos}
    classes = sorted({photo.label for photo in photos})
    corrections = {path.as_posix(): labels for path, labels in listed.items() if labels}
    for path, labels in corrections.items():
        if path not in found:
            raise MismatchError(
                f"corrections.csv: expected paths of labelled photos, as {min(found)}, received {path}: correct or "
                "delete its line"
            )
        if len(labels) > 1 or not labels <= {*classes, REMOVE}:
            raise MismatchError(
                f"corrections.csv: expected for {path} one of the classes ({', '.join(classes)}) or {REMOVE}, "
                f"received {', '.join(sorted(labels))}"
            )
    labels_of = {path: min(corrections.get(path, {photo.label})) for path, photo in found.items()}
    kept = [photo._replace(label=labels_of[photo.path]) for photo in photos if labels_of[photo.path] != REMOVE]
    relabelled = [(photo.path, found[photo.path].label, photo.label) for photo in kept]
    return Corrected(
        kept,
        sorted(row for row in relabelled if row[1] != row[2]),
        {path: REMOVED for path, label in labels_of.items() if label == REMOVE},
    )
