"""Decode photos, in the same way for every step and command."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

Result = TypeVar("Result")
Source = str | Path | BinaryIO


class UnreadablePhotoError(Exception):
    """A file cannot be decoded as a photo. Its text says why, without the file's name."""


def open_photo(source: Source) -> Image.Image:
    """Decode a photo in full: upright as its EXIF orientation says, in RGB.

    Of an animation it is the first frame; what is transparent becomes white.

    Raises:
        UnreadablePhotoError: The file is missing, truncated or not an image that Pillow reads, or its pixels have
            no known range.
    """
    try:
        return _decode(source)
    except Exception as error:  # a damaged file makes each decoder fail in its own way
        raise UnreadablePhotoError(_reason(error, source)) from error


def _decode(source: Source) -> Image.Image:
    with Image.open(source) as opened:
        photo = ImageOps.exif_transpose(opened)
    if photo.mode.startswith("I;16"):  # Pillow would clip 16 bits to 8 instead of scaling them
        photo = Image.fromarray((np.asarray(photo) >> 8).astype(np.uint8))
    elif photo.mode in ("I", "F"):
        raise OSError(f"its pixels are 32-bit numbers (mode {photo.mode}), of which no value is known to be white")
    if photo.has_transparency_data:
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo.convert("RGBA"))
    return photo.convert("RGB")


def _reason(error: Exception, source: Source) -> str:
    if str(source).lower().endswith((".heic", ".heif")):
        return "cannot be decoded: HEIC is not supported: save it as JPEG"
    name = str(source) if isinstance(source, Path) else source
    reason = " ".join(str(error).replace(f" {name!r}", "").split())
    return f"cannot be decoded: {reason or type(error).__name__}"


def resized_pixels(source: Source, image_size: tuple[int, int]) -> np.ndarray:
    """Decode a photo and resize it (bilinear, antialiased, ignoring its aspect ratio).

    Args:
        image_size: height and width in pixels.

    Returns:
        uint8 in 0..255, shaped (height, width, 3).

    Raises:
        UnreadablePhotoError: As :func:`open_photo`.
    """
    height, width = image_size
    return np.asarray(open_photo(source).resize((width, height), Image.Resampling.BILINEAR))


def map_in_parallel(function: Callable[[int], Result], indices: Sequence[int], description: str) -> list[Result]:
    """Call ``function`` on each index, on all cores, with a progress bar; Pillow decodes outside Python's lock."""
    with ThreadPoolExecutor() as pool:
        results = pool.map(function, indices)
        return list(tqdm(results, description, len(indices), unit="photo", disable=None))
