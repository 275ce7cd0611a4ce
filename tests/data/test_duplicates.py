import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from commands.sample.drawing import draw_animal
from stages.data.duplicates import Fingerprint, find_clusters, find_conflicts, fingerprint

PHOTO = draw_animal("cats", np.random.default_rng(0))


def table(fingerprints: Sequence[Fingerprint], labels: str = "") -> pd.DataFrame:
    """Rows of the table for photos with these fingerprints, all of one class without ``labels``."""
    paths = [f"{number:02}" for number in range(len(fingerprints))]
    labels = labels or "a" * len(paths)
    return pd.DataFrame({"path": paths, "label": list(labels), "fingerprint": list(fingerprints)})


def clusters(fingerprints: Sequence[Fingerprint], labels: str = "", distance: int = 4) -> list[int]:
    return list(find_clusters(table(fingerprints, labels), distance))


def of_hashes(hashes: Sequence[np.ndarray]) -> list[Fingerprint]:
    """Fingerprints of photos whose thumbnails are the same."""
    return [Fingerprint(np.zeros((3, 32, 32), np.uint8), bits, ~bits) for bits in hashes]


def disc(colour: str, background: str = "white") -> Image.Image:
    photo = Image.new("RGB", (60, 60), background)
    ImageDraw.Draw(photo).ellipse((15, 15, 45, 45), colour)
    return photo


def compressed(photo: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_photos_cluster_by_hash_distance_and_through_others() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 2, 64).astype(bool)
    near, chain, other = photo.copy(), photo.copy(), photo.copy()
    near[:4] ^= True
    chain[:8] ^= True  # 8 from the photo, 4 from the near one
    other[20:30] ^= True
    assert clusters(of_hashes([photo, other, near, chain])) == [0, 1, 0, 0]


def test_photos_in_different_blocks_are_compared() -> None:
    hashes = np.random.default_rng(0).integers(0, 2, (1100, 64)).astype(bool)
    hashes[1090] = hashes[3]
    found = clusters(of_hashes(list(hashes)))
    assert found[1090] == 3
    assert len(set(found)) == 1099


def test_many_photos_with_one_hash_are_one_cluster() -> None:
    assert set(clusters(of_hashes([np.zeros(64, bool)] * 600))) == {0}


def test_a_slightly_changed_photo_is_a_duplicate() -> None:
    """And another drawing is not."""
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
    fingerprints = [fingerprint(photo) for photo in [*changed, *others]]
    assert clusters(fingerprints, distance=8) == [*[0] * 8, *range(1, 30)]


@pytest.mark.parametrize(
    "photos",
    [
        pytest.param([disc("red"), disc("green"), disc("blue"), disc("orange")], id="discs on white"),
        pytest.param([disc("red", "black"), disc("lime", "black")], id="discs on black"),
        pytest.param([Image.new("RGB", (9, 9), name) for name in ("black", "gray", "white", "red", "lime")], id="flat"),
    ],
)
def test_photos_that_differ_in_colour_alone_are_not_duplicates(photos: list[Image.Image]) -> None:
    fingerprints = [fingerprint(photo) for photo in photos]
    copies = [fingerprint(photo.resize((30, 30))) for photo in photos]
    assert clusters([*fingerprints, *copies], distance=31) == [*range(len(photos))] * 2


def test_a_mirrored_photo_of_another_class_is_not_a_duplicate() -> None:
    fingerprints = [fingerprint(PHOTO), fingerprint(ImageOps.mirror(PHOTO)), fingerprint(PHOTO)]
    assert clusters(fingerprints, labels="aba") == [0, 1, 0]


@pytest.mark.parametrize(
    ("labels", "distance", "conflicts"),
    [
        ("aaabb", 4, {2: "03", 3: "02"}),
        ("aaabb", 8, {1: "03", 2: "03", 3: "01", 4: "02"}),
        ("aaaaa", 4, {}),
    ],
)
def test_only_direct_duplicates_of_another_class_conflict(
    labels: str, distance: int, conflicts: dict[int, str]
) -> None:
    photos = table(of_hashes([np.arange(64) < 4 * number for number in range(5)]), labels)  # each 4 bits from the next
    photos["cluster"] = find_clusters(photos, 4)
    assert set(photos["cluster"]) == {0}
    assert find_conflicts(photos, distance).to_dict() == conflicts


def test_a_conflict_is_found_among_many_of_the_same_hash() -> None:
    same = np.zeros(64, bool)
    thumbnails = np.random.default_rng(0).integers(0, 256, (80, 3, 32, 32), np.uint8)
    thumbnails[79] = thumbnails[0]
    photos = table([Fingerprint(thumbnail, same, same) for thumbnail in thumbnails], "a" + 79 * "b").assign(cluster=0)
    assert find_conflicts(photos, 0).to_dict() == {0: "79", 79: "00"}
