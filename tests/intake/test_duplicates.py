import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from stages.intake.duplicates import group_duplicates, perceptual_hash
from stages.sample.drawing import draw_animal


def test_photos_are_grouped_by_differing_bits_and_through_photos_between_them() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 2, 64).astype(bool)
    near, chain, other = photo.copy(), photo.copy(), photo.copy()
    near[:4] ^= True
    chain[:8] ^= True  # 8 from the photo, 4 from the near one
    other[20:30] ^= True
    assert group_duplicates(dict(enumerate([photo, other, near, chain])), 4) == [[0, 2, 3], [1]]


def test_photos_in_different_blocks_are_compared() -> None:
    hashes = np.random.default_rng(0).integers(0, 2, (2500, 64)).astype(bool)
    hashes[2400] = hashes[3]
    groups = group_duplicates(dict(enumerate(hashes)), 4)
    assert [3, 2400] in groups
    assert len(groups) == 2499


def test_a_slightly_changed_photo_is_a_duplicate_and_another_drawing_is_not() -> None:
    photo = draw_animal("cats", np.random.default_rng(0))
    width, height = photo.size
    changed = [
        photo,
        photo.resize((width // 2, height // 2), Image.Resampling.BILINEAR),
        ImageEnhance.Brightness(photo).enhance(1.1),
        photo.filter(ImageFilter.GaussianBlur(1)),
        photo.convert("L"),
    ]
    others = [draw_animal("cats", np.random.default_rng(seed)) for seed in range(1, 30)]
    hashes = {number: perceptual_hash(picture) for number, picture in enumerate([*changed, *others])}
    assert group_duplicates(hashes, 4) == [[0, 1, 2, 3, 4], *([number] for number in range(5, 34))]
