"""Decode photos, in the same way for every step and command."""

import ctypes
import errno
import logging
import math
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError, _imaging
from PIL.JpegImagePlugin import JpegImageFile

from stages.common.cli import UserError, first_line
from stages.common.parallel import map_in_parallel
from stages.common.param_types import ImageFit
from stages.photos.formats import FORMATS, TIFF_PREFIXES, describe_other, describe_tiff, find_tiff_problem, formats_of
from stages.photos.loading import load_eight_bits, without_metadata
from stages.photos.shards import PackedFile, locate
from stages.storage.arrays import DiskArray, temporary_array
from stages.storage.non_photos import HEADER_BYTES

PathOrBytes = str | Path | bytes

MAX_BYTES_PER_PIXEL = 8  # RGBA in 16 bits, not compressed
MORE_FRAMES = "more frames"  # in a decoded photo's info
PAD_COLOUR = (124, 116, 104)
REDUCING_GAP = 4
THUMBNAIL_SIZE = 512

# Errors in reading that are the photo's; any other OSError is the machine's.
UNREADABLE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


class UnreadablePhotoError(Exception):
    """A file cannot be decoded as a photo. Its text says why, without the file's name."""


def silence_decoders() -> None:
    """Keep Pillow's warnings and libtiff's errors off stderr: our error names the reason."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with suppress(AttributeError, OSError):  # a Pillow in which libtiff's functions are hidden
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


silence_decoders()
Image.MAX_IMAGE_PIXELS = None  # Pillow's limit warns in a way of its own; open_photo has one


def open_photo(source: PathOrBytes, shrink_to: int | None = None, max_megapixels: float = math.inf) -> Image.Image:
    """Decode a photo, a path or the content of a file, to RGB, upright as its EXIF orientation says.

    An animation is decoded to its first frame, a TIFF to its first page, and ``info[MORE_FRAMES]`` is whether there are
    more. Transparent pixels become white; 16-bit colours are scaled to 8 bits from the bits in use
    (:func:`loading.scale_to_eight_bits`).

    Args:
        shrink_to: the longer side, in pixels, to which the caller is going to resize the photo. A JPEG is then decoded
            at 1/2, 1/4 or 1/8 of its size (in four times less CPU time, 24 megapixels to 160 px) where that leaves
            four times the pixels on both sides, enough to be cropped. The resized photo differs by at most 1 of 255, by
            3 on line drawings.

    Raises:
        UnreadablePhotoError: The file is missing, forbidden, too large, truncated or not in one of ``FORMATS``.
        OSError, MemoryError: The machine failed to read or to hold the file, which says nothing about the photo.
    """
    content = source if isinstance(source, bytes) else _read(source, max_megapixels)
    for prepare in (bytes, without_metadata):  # as it is, or else without what Pillow may refuse
        try:
            return _decode(prepare(content), shrink_to, max_megapixels)
        except (UnreadablePhotoError, MemoryError):
            raise
        except UnidentifiedImageError:
            reason = describe_other(content[:HEADER_BYTES])
        except Exception as error:  # a damaged file makes each decoder fail in its own way
            if getattr(error, "errno", None):  # the machine failed, rather than the photo
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
    raise UnreadablePhotoError(f"cannot be decoded: {reason}")


def _read(path: str | Path, max_megapixels: float) -> bytes:
    """Read a file, apart from decoding it: an error here is the file system's, an error there the photo's."""
    with unreadable_photos():
        if not os.path.exists(path) and (located := locate(path)):  # noqa: PTH110 (pathlib takes twice as long)
            shards, name = located
            with shards.open(name) as photo:
                return read_photo(photo, photo.size, max_megapixels)
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


def read_photo(file: IO[bytes] | PackedFile, size: int, max_megapixels: float) -> bytes:
    """Read an open file of ``size`` bytes; only the start if it cannot be a photo, such as a large video."""
    header = file.read(HEADER_BYTES)
    if not any(formats_of(header, FORMATS)):
        raise UnreadablePhotoError(f"cannot be decoded: {describe_other(header)}")
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
    photo = load_eight_bits(opened, partial(_open, content))
    try:
        has_more_frames = opened.format != "MPO" and getattr(opened, "is_animated", False)  # an MPO's show the same
    except (EOFError, IndexError, OSError, struct.error, SyntaxError, ValueError):  # a damaged second frame
        has_more_frames = True
    if photo.mode == "La":  # of a TIFF; Pillow converts it to this mode alone
        photo = photo.convert("LA")
    if photo.has_transparency_data:
        with_alpha = photo if photo.mode == "RGBA" else photo.convert("RGBA")
        photo = Image.new("RGB", photo.size, "white")
        photo.paste(with_alpha, mask=with_alpha)
    if photo.mode != "RGB":  # CMYK, YCbCr, grey or a palette
        photo = photo.convert("RGB")
    photo.info[MORE_FRAMES] = has_more_frames
    return photo


def _open(content: bytes) -> ImageFile.ImageFile:
    is_tiff = content.startswith(TIFF_PREFIXES)
    if is_tiff and (problem := find_tiff_problem(content)):
        raise UnreadablePhotoError(f"cannot be decoded: is {problem}")
    try:
        opened = Image.open(BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        if is_tiff:
            raise UnreadablePhotoError(f"cannot be decoded: is {describe_tiff(content)}") from None
        for name in formats_of(content[:HEADER_BYTES], FORMATS):
            Image.OPEN[name][0](BytesIO(content), "")  # raises the reason, which Image.open() hides
        raise
    if content.endswith(bytes(64)) and _has_no_end(opened.format, content):
        raise UnreadablePhotoError("cannot be decoded: ends in zero bytes, as a copy does that was cut short")
    return opened


def _has_no_end(image_format: str | None, content: bytes) -> bool:
    """Return whether zeros replace an image's end, as a copy that stopped leaves them: Pillow would decode them.

    BMP, TIFF and WebP may end in zeros. Of the others, only a GIF is refused by its decoder.
    """
    if image_format in ("JPEG", "MPO"):
        file = BytesIO(content)
        JpegImageFile(file)  # reads the header
        return content.find(b"\xff\xd9", file.tell()) < 0
    if image_format in ("AVIF", "HEIF"):  # a sequence of boxes, each of which begins with its size
        end = 0
        while (size := int.from_bytes(content[end : end + 4])) >= 8:
            end += size
        return any(content[end:]) or content.endswith(bytes(64), 0, end)
    return image_format == "PNG" and b"IEND\xaeB`\x82" not in content


@contextmanager
def explain_undecodable(path: str) -> Iterator[None]:
    """Turn an UnreadablePhotoError of a photo that `thumbnails` could read into a UserError."""
    try:
        yield
    except UnreadablePhotoError as error:
        raise UserError(f"{path}: {error}: run `dvc repro --force download && dvc repro`") from error


def thumbnail(source: PathOrBytes, size: int = THUMBNAIL_SIZE, max_megapixels: float = math.inf) -> Image.Image:
    """Decode a photo to look at, as :func:`open_photo`, to at most ``size`` px a side."""
    photo = open_photo(source, size, max_megapixels)
    photo.thumbnail((size, size))
    return photo


def resized_pixels(
    source: PathOrBytes, image_size: tuple[int, int], image_fit: ImageFit = "stretch", max_megapixels: float = math.inf
) -> np.ndarray:
    """Decode a photo, as :func:`open_photo`, and resize it (bilinear, antialiased).

    Args:
        image_size: height and width in pixels, as of the array returned: uint8 in 0..255, shaped (height, width, 3).
        image_fit: "stretch" ignores the photo's aspect ratio, "crop" resizes the largest rectangle of ``image_size``'s
            aspect ratio at its centre, and "pad" the whole photo, centred on ``PAD_COLOUR``. That is the mean colour of
            ImageNet, which preprocessing of keras.applications turns into 0, the value that convolutions pad with, or,
            of -1..1, into one within 0.2 of it; black would become one of the most extreme.
    """
    height, width = image_size
    photo = open_photo(source, max(image_size), max_megapixels)
    if image_fit == "crop":
        return np.asarray(ImageOps.fit(photo, (width, height), Image.Resampling.BILINEAR))
    if image_fit == "pad":
        if 2 * min(photo.size) <= max(photo.width / width, photo.height / height):
            # Of half a pixel or less Pillow would leave nothing (findings/pillow-pad-drops-a-thin-image.sh).
            thin = (width, 1) if photo.width > photo.height else (1, height)
            photo = photo.resize(thin, Image.Resampling.BILINEAR)
        return np.asarray(ImageOps.pad(photo, (width, height), Image.Resampling.BILINEAR, PAD_COLOUR))
    return np.asarray(photo.resize((width, height), Image.Resampling.BILINEAR))


def decode_photos(paths: Sequence[str], pixels: DiskArray, image_fit: ImageFit = "stretch") -> None:
    """Decode photos, as :func:`resized_pixels` and on all cores, into the rows of an array."""
    height, width = pixels.shape[1:3]

    def load(index: int) -> None:
        with explain_undecodable(paths[index]):
            pixels.write(index, resized_pixels(paths[index], (height, width), image_fit))

    map_in_parallel(load, range(len(paths)), "decoding photos")


def load_pixels(paths: Sequence[str], image_size: tuple[int, int], image_fit: ImageFit = "stretch") -> DiskArray:
    """Decode photos, as :func:`decode_photos`, into a temporary array."""
    pixels = temporary_array((len(paths), *image_size, 3), np.uint8)
    decode_photos(paths, pixels, image_fit)
    return pixels
