import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from commands.sample.drawing import draw_animal
from stages.data.duplicates import Fingerprint, find_conflicts, fingerprint, group_duplicates
from stages.data.layout import LabelledPhoto

PHOTO = draw_animal("cats", np.random.default_rng(0))


def groups_of(fingerprints: Sequence[Fingerprint], labels: str = "", distance: int = 4) -> list[list[int]]:
    """Group the photos with these fingerprints; return the groups as indices. Without ``labels`` all share a class."""
    photos = [LabelledPhoto(str(n), label, "", str(n)) for n, label in enumerate(labels or "a" * len(fingerprints))]
    groups = group_duplicates(dict(zip(photos, fingerprints, strict=True)), distance)
    return [[int(photo.path) for photo in group] for group in groups]


def of_hashes(hashes: Sequence[np.ndarray]) -> list[Fingerprint]:
    """Fingerprints of photos whose thumbnails are the same."""
    return [Fingerprint(np.zeros((3, 32, 32), np.uint8), bits, ~bits) for bits in hashes]


def disc(colour: str, background: str = "white") -> Image.Image:
    picture = Image.new("RGB", (60, 60), background)
    ImageDraw.Draw(picture).ellipse((15, 15, 45, 45), colour)
    return picture


def compressed(photo: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_photos_are_grouped_by_differing_bits_and_through_photos_between_them() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 2, 64).astype(bool)
    near, chain, other = photo.copy(), photo.copy(), photo.copy()
    near[:4] ^= True
    chain[:8] ^= True  # 8 from the photo, 4 from the near one
    other[20:30] ^= True
    assert groups_of(of_hashes([photo, other, near, chain])) == [[0, 2, 3], [1]]


def test_photos_in_different_blocks_are_compared() -> None:
    hashes = np.random.default_rng(0).integers(0, 2, (1100, 64)).astype(bool)
    hashes[1090] = hashes[3]
    groups = groups_of(of_hashes(list(hashes)))
    assert [3, 1090] in groups
    assert len(groups) == 1099


def test_a_slightly_changed_photo_is_a_duplicate_and_another_drawing_is_not() -> None:
    width, height = PHOTO.size
    changed = [
        PHOTO,
        PHOTO.resize((width // 2, height // 2), Image.Resampling.BILINEAR),
        ImageEnhance.Brightness(PHOTO).enhance(1.3),
        ImageEnhance.Brightness(PHOTO).enhance(0.7),
        PHOTO.filter(ImageFilter.GaussianBlur(1)),
        compressed(PHOTO, quality=30),
        ImageOps.mirror(PHOTO),
        compressed(ImageEnhance.Brightness(ImageOps.mirror(PHOTO)).enhance(1.3), quality=30),
    ]
    others = [draw_animal("cats", np.random.default_rng(seed)) for seed in range(1, 30)]
    fingerprints = [fingerprint(picture) for picture in [*changed, *others]]
    assert groups_of(fingerprints, distance=8) == [list(range(8)), *([number] for number in range(8, 37))]


@pytest.mark.parametrize(
    "pictures",
    [
        pytest.param([disc("red"), disc("green"), disc("blue"), disc("orange")], id="discs on white"),
        pytest.param([disc("red", "black"), disc("lime", "black")], id="discs on black"),
        pytest.param([Image.new("RGB", (9, 9), name) for name in ("black", "gray", "white", "red", "lime")], id="flat"),
    ],
)
def test_pictures_that_differ_in_colour_alone_are_no_duplicates(pictures: list[Image.Image]) -> None:
    fingerprints = [fingerprint(picture) for picture in pictures]
    copies = [fingerprint(picture.resize((30, 30))) for picture in pictures]
    assert groups_of([*fingerprints, *copies], distance=31) == [[n, n + len(pictures)] for n in range(len(pictures))]


def test_a_mirrored_photo_of_another_class_is_no_duplicate() -> None:
    fingerprints = [fingerprint(PHOTO), fingerprint(ImageOps.mirror(PHOTO)), fingerprint(PHOTO)]
    assert groups_of(fingerprints, labels="aba") == [[0, 2], [1]]


def test_only_direct_duplicates_of_another_class_conflict() -> None:
    hashes = [np.arange(64) < 4 * number for number in range(5)]  # each 4 bits from the next
    photos = [LabelledPhoto(str(n), label, "", str(n)) for n, label in enumerate("aaabb")]
    fingerprints = dict(zip(photos, of_hashes(hashes), strict=True))
    assert group_duplicates(fingerprints, 4) == [photos]
    assert find_conflicts(photos, fingerprints, 4) == {"2": "3", "3": "2"}
    assert find_conflicts(photos, fingerprints, 8) == {"1": "3", "2": "3", "3": "1", "4": "2"}
    assert find_conflicts(photos[:3], fingerprints, 4) == {}


def test_a_conflict_is_found_among_many_of_the_same_hash() -> None:
    same = np.zeros(64, bool)
    thumbnails = np.random.default_rng(0).integers(0, 256, (80, 3, 32, 32), np.uint8)
    thumbnails[79] = thumbnails[0]
    photos = [LabelledPhoto(f"{n:02}", "b" if n else "a", "", str(n)) for n in range(80)]
    fingerprints = {photo: Fingerprint(thumbnails[n], same, same) for n, photo in enumerate(photos)}
    assert find_conflicts(photos, fingerprints, 0) == {"00": "79", "79": "00"}


def test_many_photos_of_one_picture_are_one_group() -> None:
    same = np.zeros(64, bool)
    assert groups_of(of_hashes([same] * 600)) == [list(range(600))]
