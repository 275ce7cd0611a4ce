"""Decode photos, in the same way for every step and command."""

import ctypes
import errno
import logging
import math
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError, _imaging

from stages.common.cli import first_line
from stages.photos import tiff
from stages.photos.bit_depth import (
    has_sixteen_bit_colours,
    join_bytes,
    keep_lower_bytes,
    scale_to_eight_bits,
    scale_transparent_grey,
)
from stages.photos.identify import HEADER_BYTES, SAVE, identify, is_text
from stages.photos.metadata import load_upright, without_metadata

try:
    from pillow_heif import register_heif_opener
except ImportError:
    HEIC_FORMATS = []
else:
    register_heif_opener()
    HEIC_FORMATS = ["HEIF"]

Source = str | Path | bytes

# Pillow's other decoders stay closed to strangers' files: that of EPS, for one, starts Ghostscript.
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", *HEIC_FORMATS]
# By which a file looks like a photo; a format is told by content. An MPO is a JPEG with more pictures behind it.
SUFFIXES = (*(suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS), ".mpo")
INSTALL_HEIF = "pip install pillow-heif, and for the pipeline `dvc repro --force split && dvc repro`"
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")

MAX_BYTES_PER_PIXEL = 8  # RGBA in 16 bits, not compressed
MORE_FRAMES = "more frames"  # in a decoded photo's info
REDUCING_GAP = 4
THUMBNAIL_SIZE = 512

# What reading says of the photo itself; any other OSError is the machine's fault.
UNREADABLE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


class UnreadablePhotoError(Exception):
    """A file cannot be decoded as a photo. Its text says why, without the file's name."""


def silence_decoders() -> None:
    """Keep what Pillow and libtiff say of a file off stderr: a file that cannot be decoded has its reason."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with suppress(AttributeError, OSError):  # a Pillow in which libtiff's functions are hidden
        libtiff = ctypes.CDLL(_imaging.__file__)
        libtiff.TIFFSetErrorHandler(None)
        libtiff.TIFFSetWarningHandler(None)


silence_decoders()
Image.MAX_IMAGE_PIXELS = None  # Pillow's limit warns in a way of its own; open_photo has one


def open_photo(source: Source, shrink_to: int | None = None, max_megapixels: float = math.inf) -> Image.Image:
    """Decode a photo: upright as its EXIF orientation says, in RGB.

    Of an animation it is the first frame, of a TIFF the first page, and ``info[MORE_FRAMES]`` says whether there are
    more; what is transparent becomes white. Colours of 16 bits are scaled to 8 from
    the bits in use (:func:`scale_to_eight_bits`).

    Args:
        source: a path, or the content of a file.
        shrink_to: the longer side, in pixels, to which the caller is going to resize the photo. A JPEG is then decoded
            at 1/2, 1/4 or 1/8 of its size (in four times less CPU time, 24 megapixels to 160 px) where that leaves
            four times the pixels. The resized photo differs by at most 1 of 255, of drawn lines and dots by 3.
        max_megapixels: the most that the photo may have.

    Raises:
        UnreadablePhotoError: The file is missing, forbidden, too large, truncated or not in one of ``FORMATS``, or its
            pixels have no known range.
        OSError, MemoryError: The machine failed to read or to hold the file, which says nothing about the photo.
    """
    content = source if isinstance(source, bytes) else _read(source, max_megapixels)
    try:
        return _decode(content, shrink_to, max_megapixels)
    except Exception as error:  # a damaged file makes each decoder fail in its own way
        if isinstance(error, UnreadablePhotoError) or _is_local_failure(error):
            raise
    try:
        return _decode(without_metadata(content), shrink_to, max_megapixels)
    except UnidentifiedImageError as error:
        raise UnreadablePhotoError(_unidentified(content[:HEADER_BYTES])) from error
    except Exception as error:
        if isinstance(error, UnreadablePhotoError) or _is_local_failure(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadablePhotoError(f"cannot be decoded: {reason}") from error


def _is_local_failure(error: Exception) -> bool:
    """Return whether the machine failed, rather than the photo."""
    return isinstance(error, MemoryError) or bool(getattr(error, "errno", None))


def _read(path: str | Path, max_megapixels: float) -> bytes:
    """Read a file, apart from decoding it: what fails here is the file system's, what fails there is the photo's."""
    with unreadable_photos():
        path = Path(path)
        if not path.is_file() and path.exists() and not path.is_dir():  # reading it may have no end
            raise UnreadablePhotoError("cannot be read: a named pipe, a socket or a device, not a file")
        with path.open("rb") as file:
            return read_photo(file, os.fstat(file.fileno()).st_size, max_megapixels)


@contextmanager
def unreadable_photos() -> Iterator[None]:
    """Turn an OSError that is the photo's fault into an UnreadablePhotoError; raise any other, the machine's, as is."""
    try:
        yield
    except OSError as error:
        if isinstance(error, UNREADABLE) or error.errno == errno.ELOOP:
            raise UnreadablePhotoError(f"cannot be read: {error.strerror or first_line(error)}") from error
        raise


def read_photo(file: IO[bytes], size: int, max_megapixels: float) -> bytes:
    """Read an open file of ``size`` bytes; of what cannot be a photo, such as a large film, only the start."""
    header = file.read(HEADER_BYTES)
    if not set(FORMATS).intersection(_formats_of(header)):
        raise UnreadablePhotoError(_unidentified(header))
    if size > max_megapixels * 1e6 * MAX_BYTES_PER_PIXEL:
        raise UnreadablePhotoError(f"is larger than any photo of {max_megapixels:g} megapixels")
    return header + file.read()


def _decode(content: bytes, shrink_to: int | None, max_megapixels: float) -> Image.Image:
    opened = _open(content)
    megapixels = opened.width * opened.height / 1e6
    if megapixels > max_megapixels:
        raise UnreadablePhotoError(
            f"has {megapixels:.5g} megapixels, above the limit of {max_megapixels:g} (split.max_megapixels)"
        )
    if shrink_to:
        opened.draft(None, (REDUCING_GAP * shrink_to,) * 2)
    photo = _load_eight_bits(opened, content)
    has_more_frames = _has_more_frames(opened)
    if photo.has_transparency_data:
        with_alpha = photo if photo.mode == "RGBA" else photo.convert("RGBA")
        photo = Image.new("RGB", photo.size, "white")
        photo.paste(with_alpha, mask=with_alpha)
    if photo.mode != "RGB":
        photo = photo.convert("RGB")
    photo.info[MORE_FRAMES] = has_more_frames
    return photo


def _load_eight_bits(opened: ImageFile.ImageFile, content: bytes) -> Image.Image:
    """Load an image, upright, and scale what has more than 8 bits to 8."""
    scale_transparent_grey(opened)
    has_sixteen_bits = has_sixteen_bit_colours(opened)
    photo = load_upright(opened)
    transparent = photo.info.get("transparency")
    if photo.mode.startswith("I;16"):  # Pillow would clip 16 bits to 8 instead of scaling them
        scaled = scale_to_eight_bits(np.asarray(photo), transparent)
        return ImageOps.invert(scaled) if tiff.is_white_zero(opened) else scaled
    if photo.mode in ("I", "F"):
        raise OSError(f"its pixels are 32-bit numbers (mode {photo.mode}), of which no value is known to be white")
    if has_sixteen_bits and (transparent or np.asarray(photo)[..., :3].max() < 2**6):  # at most 14 bits are in use
        if tiff.has_separate_planes(opened):
            raise OSError("its colours are in separate planes of 16 bits, of which at most 14 are in use")
        lower = _open(content)
        channels = keep_lower_bytes(lower)
        samples = join_bytes(np.asarray(photo), np.asarray(load_upright(lower))[..., channels])
        return scale_to_eight_bits(samples, transparent)
    if photo.format == "BMP" and photo.mode == "RGBA" and not np.asarray(photo)[..., 3].any():
        return photo.convert("RGB")  # a program that leaves alpha at 0 means opaque
    return photo


def _open(content: bytes) -> ImageFile.ImageFile:
    """Read an image's header."""
    if tiff.is_tiff(content) and (problem := tiff.find_problem(content)):
        raise UnreadablePhotoError(f"cannot be decoded: is {problem}")
    try:
        return Image.open(BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        if tiff.is_tiff(content):
            raise UnreadablePhotoError(f"cannot be decoded: is {tiff.describe(content)}") from None
        for name in set(_formats_of(content[:HEADER_BYTES])).intersection(FORMATS):
            Image.OPEN[name][0](BytesIO(content), "")  # which raises why it cannot; Image.open() keeps that to itself
        raise


def _has_more_frames(opened: ImageFile.ImageFile) -> bool:
    """Return whether a file has more pages or frames than the first; an MPO's other pictures show the same."""
    try:
        return opened.format != "MPO" and getattr(opened, "is_animated", False)
    except (EOFError, IndexError, OSError, struct.error, SyntaxError, ValueError):  # a damaged second frame
        return True


def _unidentified(header: bytes) -> str:
    """Say what a file is that starts so, in none of ``FORMATS``."""
    if not HEIC_FORMATS and header[4:8] == b"ftyp" and any(brand in header[8:64] for brand in HEIC_BRANDS):
        return f"cannot be decoded: HEIC needs pillow-heif: {SAVE}, or {INSTALL_HEIF}"
    if kind := identify(header):
        return f"cannot be decoded: is {kind}"
    if formats := set(_formats_of(header)).difference(FORMATS):
        return f"cannot be decoded: {min(formats)} is not among the formats that are read: {SAVE}"
    return "cannot be decoded: " + ("is a text file" if is_text(header) else "cannot identify image file")


def _formats_of(header: bytes) -> list[str]:
    """List the formats, of all that Pillow knows, in which a file that starts so may be."""
    return [name for name, (_, accepts) in Image.OPEN.items() if accepts and accepts(header.ljust(HEADER_BYTES, b"\0"))]


def thumbnail(source: Source) -> Image.Image:
    """Decode a photo to be drawn in a figure, as :func:`open_photo` with at most ``THUMBNAIL_SIZE`` px a side."""
    photo = open_photo(source, THUMBNAIL_SIZE)
    photo.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE))
    return photo


def resized_pixels(source: Source, image_size: tuple[int, int], max_megapixels: float = math.inf) -> np.ndarray:
    """Decode a photo and resize it (bilinear, antialiased, ignoring its aspect ratio).

    Args:
        image_size: height and width in pixels.
        max_megapixels: the most that the photo may have.

    Returns:
        uint8 in 0..255, shaped (height, width, 3).

    Raises:
        UnreadablePhotoError, OSError, MemoryError: As :func:`open_photo`.
    """
    height, width = image_size
    photo = open_photo(source, max(image_size), max_megapixels)
    return np.asarray(photo.resize((width, height), Image.Resampling.BILINEAR))
