"""Pictures with 16 bits per colour, of which often fewer are in use."""

import sys
from typing import Any

import numpy as np
from PIL import Image, ImageFile

DEPTHS = (8, 10, 12, 14, 16)  # of the sensors of cameras and scanners
# Of colours in 16 bits Pillow keeps the upper bytes; told the other order of bytes, it keeps the lower ones.
OTHERS = {"B": "L", "N": "B" if sys.byteorder == "little" else "L"}
LOWER_BYTES = {
    **{f"{mode};16{order}": f"{mode};16{other}" for mode in ("RGB", "RGBX", "RGBA") for order, other in OTHERS.items()},
    "LA;16B": "RGBA",  # the two bytes of grey as red and green, those of alpha as blue and alpha
}


def scale_to_eight_bits(samples: np.ndarray, transparent: int | tuple[int, ...] | None = None) -> Image.Image:
    """Scale a picture from the bits in use to 8: the smallest of ``DEPTHS`` that holds its brightest sample.

    A camera's 12 bits in a file of 16 are so told from the full range. A picture may be taken for one of a smaller
    depth if its brightest sample is below a quarter of what its depth holds.

    Args:
        samples: uint16, shaped (height, width), or (height, width, 3 or 4): of RGBA the alpha is scaled by itself.
        transparent: the sample, or the samples of the colour, that become white.
    """
    if samples.shape[2:] == (4,):
        picture = scale_to_eight_bits(samples[..., :3])
        picture.putalpha(scale_to_eight_bits(samples[..., 3]))
        return picture
    brightest = int(samples.max())
    bits = next(depth for depth in DEPTHS if brightest < 2**depth)
    scaled = np.empty(samples.shape, np.uint8)
    np.right_shift(samples, bits - 8, out=scaled, casting="unsafe")  # without a copy of samples, which may be large
    if transparent is not None:
        scaled[(np.atleast_3d(samples) == transparent).all(axis=2)] = 255
    return Image.fromarray(scaled)


def scale_transparent_grey(opened: ImageFile.ImageFile) -> None:
    """Scale the transparent grey of a PNG of 2 or 4 bits to 8, as Pillow does the others."""
    if opened.mode == "L" and isinstance(opened.info.get("transparency"), int):
        opened.info["transparency"] *= {"L;2": 85, "L;4": 17}.get(_arguments(opened.tile[0])[0], 1)


def has_sixteen_bit_colours(opened: ImageFile.ImageFile) -> bool:
    """Tell whether an image that is not loaded yet has RGB, RGBA or grey and alpha in 16 bits; as RGBA it is loaded."""
    return bool(opened.tile) and all(_arguments(tile)[0] in LOWER_BYTES for tile in opened.tile)


def keep_lower_bytes(opened: ImageFile.ImageFile) -> slice | list[int]:
    """Make an image that is not loaded yet, with colours in 16 bits, load their lower bytes instead of the upper ones.

    Returns:
        The channels of the loaded image that are the lower bytes of red, green, blue and, where there is one, alpha.
    """
    raw_modes = set()
    tiles = []
    for tile in opened.tile:
        raw_mode, *others = _arguments(tile)
        raw_modes.add(raw_mode)
        tiles.append(tile._replace(args=(LOWER_BYTES[raw_mode], *others)))
    opened.tile = tiles
    return [1, 1, 1, 3] if "LA;16B" in raw_modes else slice(None)


def join_bytes(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Join the upper and lower bytes of samples, uint8, to uint16."""
    samples = upper.astype(np.uint16)
    samples <<= 8
    samples |= lower
    return samples


def _arguments(tile: ImageFile._Tile) -> tuple[Any, ...]:
    """List the arguments of a tile's decoder, of which the first is the order of bytes; it may stand alone."""
    return tile.args if isinstance(tile.args, tuple) else (tile.args,)
