import io
from collections.abc import Iterable, Sequence

import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from commands.sample.drawing import draw_animal
from stages.data import duplicates
from stages.data.duplicates import Clusters, find_clusters, find_conflicts, hash_thumbnails, similar_hashes
from stages.thumbnails import make_thumbnail

PhotoHash = tuple[np.ndarray, int, int]
PHOTO = draw_animal("cats", np.random.default_rng(0))


def hash_photo(photo: Image.Image) -> PhotoHash:
    thumbnail = make_thumbnail(photo)
    return thumbnail, *hash_thumbnails(thumbnail[None])[0].tolist()


def table(hashed: Sequence[PhotoHash], labels: str = "") -> pd.DataFrame:
    """Rows of the table for photos with these hashes, all of one class without ``labels``."""
    paths = [f"{number:02}" for number in range(len(hashed))]
    labels = labels or "a" * len(paths)
    hashes = np.array([one[1:] for one in hashed], np.uint64)
    return pd.DataFrame({"path": paths, "label": list(labels), "phash": hashes[:, 0], "mirrored_phash": hashes[:, 1]})


def thumbnails(hashed: Sequence[PhotoHash]) -> np.ndarray:
    return np.stack([thumbnail for thumbnail, *_ in hashed])


def clusters(hashed: Sequence[PhotoHash], labels: str = "", distance: int = 4) -> list[int]:
    return list(find_clusters(table(hashed, labels), thumbnails(hashed), distance))


def of_hashes(hashes: Iterable[int]) -> list[PhotoHash]:
    """Hashes of photos whose thumbnails are the same."""
    return [(np.zeros((3, 32, 32), np.uint8), phash, phash ^ (2**64 - 1)) for phash in hashes]


def brute_force(hashes: np.ndarray, max_distance: int) -> set[tuple[int, int]]:
    """Compare each hash with all after it."""
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(hashes), 256):
        distances = np.bitwise_count(hashes[start : start + 256, None] ^ hashes[start:])
        near = start + np.argwhere(distances <= max_distance)
        pairs |= {(first, second) for first, second in near.tolist() if first < second}
    return pairs


def disc(colour: str, background: str = "white") -> Image.Image:
    photo = Image.new("RGB", (60, 60), background)
    ImageDraw.Draw(photo).ellipse((15, 15, 45, 45), colour)
    return photo


def compressed(photo: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_photos_cluster_by_hash_distance_and_through_others() -> None:
    photo = 0x123456789ABCDEF0
    near, chain, other = photo ^ 0xF, photo ^ 0xFF, photo ^ 0x3FF00000  # 4, 8 (of them 4 from the near one), 10 bits
    assert clusters(of_hashes([photo, other, near, chain])) == [0, 1, 0, 0]


def test_a_chain_of_duplicates_is_one_cluster_in_any_order() -> None:
    """From its end, each photo leads to the next."""
    for pairs in ([[2, 3], [1, 2], [0, 1]], [[0, 1], [2, 3], [1, 3]]):
        chain = Clusters(5)
        for pair in pairs:
            chain.join(np.array(pair))
        assert chain.firsts(np.arange(5)).tolist() == [0, 0, 0, 0, 4]


@pytest.mark.parametrize("max_distance", [0, 1, 8, 12, 31])
def test_similar_hashes_are_those_of_all_pairs(max_distance: int) -> None:
    """Random ones, and with them some at most 9 bits away, anywhere."""
    rng = np.random.default_rng(max_distance)
    count = {8: 20_000, 31: 400}.get(max_distance, 2_000)
    hashes = rng.integers(0, 2**64, count, np.uint64)
    for index, distance in enumerate([0, 1, 2, 7, 8, 9, 12, 13] * 25):
        bits = rng.choice(64, distance, replace=False).tolist()
        hashes[count - 1 - index] = int(hashes[index]) ^ sum(1 << bit for bit in bits)
    alone = similar_hashes(hashes, np.arange(count), Clusters(count), max_distance)
    found = [np.sort(pairs, axis=0).T for pairs in alone]
    pairs = [tuple(pair) for pair in np.concatenate(found).tolist()]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == brute_force(hashes, max_distance)


def test_many_copies_of_a_photo_are_compared_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands with nearly the same hash, mirrored or not, and others: few comparisons of hashes and of thumbnails."""
    compared = {"thumbnails": 0, "hashes": 0}
    bitwise_count = np.bitwise_count

    def count_thumbnails(thumbnails: np.ndarray, others: np.ndarray) -> np.ndarray:
        compared["thumbnails"] += len(thumbnails)
        return np.ones(len(thumbnails), bool)

    def count_hashes(differing: np.ndarray) -> np.ndarray:
        compared["hashes"] += len(differing)
        return np.asarray(bitwise_count(differing))

    monkeypatch.setattr(duplicates, "are_similar", count_thumbnails)
    monkeypatch.setattr(np, "bitwise_count", count_hashes)
    rng = np.random.default_rng(0)
    flickers = rng.integers(0, 2**6, 6000).tolist()
    hashed = of_hashes([0xABCDEF ^ bits << 20 for bits in flickers] + rng.integers(0, 2**63, 2000).tolist())
    assert len(set(clusters(hashed, distance=8))) == 2001
    assert 0 < compared["thumbnails"] < 2 * 6000
    assert 0 < compared["hashes"] < 6000**2 / 3  # all pairs: in either pass 18 million of the copies alone


def test_photos_that_look_alike_are_reported(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages, for example: nearly the same hash, and other thumbnails."""
    flickers = [0xABCDEF ^ bits << 20 for bits in range(2**6)]
    others = np.random.default_rng(0).integers(0, 256, (len(flickers), 3, 32, 32), np.uint8)
    for many, warnings in ((50, 0), (1, 1)):
        monkeypatch.setattr(duplicates, "MANY_PAIRS", many)
        assert len(set(find_clusters(table(of_hashes(flickers)), others, 8))) == len(flickers)
        assert len(caplog.messages) == warnings
    assert "look alike in so many pairs (64) that" in caplog.text


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
    hashed = [hash_photo(photo) for photo in [*changed, *others]]
    assert clusters(hashed, distance=8) == [*[0] * 8, *range(1, 30)]
    mirrored = hash_photo(ImageOps.mirror(PHOTO))
    assert clusters([hashed[0], mirrored, hashed[0]], labels="aba") == [0, 1, 0], "of another class"


def test_perceptual_hashes_are_those_of_imagehash() -> None:
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)) for _ in range(20)]
    made = [make_thumbnail(photo) for photo in [PHOTO, disc("red"), Image.new("RGB", (9, 9), "white"), *noise]]
    for thumbnail, hashes in zip(made, hash_thumbnails(np.stack(made)), strict=True):
        image = Image.fromarray(thumbnail.transpose(1, 2, 0))
        assert hashes.tolist() == [int(str(imagehash.phash(each)), 16) for each in (image, ImageOps.mirror(image))]


@pytest.mark.parametrize(
    "photos",
    [
        pytest.param([disc("red"), disc("green"), disc("blue"), disc("orange")], id="discs on white"),
        pytest.param([disc("red", "black"), disc("lime", "black")], id="discs on black"),
        pytest.param([Image.new("RGB", (9, 9), name) for name in ("black", "gray", "white", "red", "lime")], id="flat"),
    ],
)
def test_photos_that_differ_in_colour_alone_are_not_duplicates(photos: list[Image.Image]) -> None:
    hashed = [hash_photo(photo) for photo in photos]
    copies = [hash_photo(photo.resize((30, 30))) for photo in photos]
    assert clusters([*hashed, *copies], distance=31) == [*range(len(photos))] * 2


@pytest.mark.parametrize(
    ("labels", "distance", "expected"),
    [("aaabb", 4, {2: "03", 3: "02"}), ("aaabb", 8, {1: "03", 2: "03", 3: "01", 4: "02"}), ("aaaaa", 4, {})],
)
def test_only_direct_duplicates_of_another_class_conflict(labels: str, distance: int, expected: dict[int, str]) -> None:
    hashed = of_hashes([2 ** (4 * number) - 1 for number in range(5)])  # each 4 bits from the next
    photos = table(hashed, labels)
    photos["cluster"] = find_clusters(photos, thumbnails(hashed), 4)
    assert set(photos["cluster"]) == {0}
    assert find_conflicts(photos, thumbnails(hashed), distance).to_dict() == expected


def test_a_conflict_is_found_among_many_of_the_same_hash() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 3, 32, 32), np.uint8)
    noise[79] = noise[0]
    photos = table([(thumbnail, 5, 5) for thumbnail in noise], "a" + 79 * "b").assign(cluster=0)
    assert find_conflicts(photos, noise, 0).to_dict() == {0: "79", 79: "00"}
