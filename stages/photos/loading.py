"""Load an image that Pillow opened: upright, whatever else its metadata are, and with 8 bits per channel."""

import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, PngImagePlugin
from PIL.ImageFile import ImageFile, _Tile

from stages.photos.formats import PHOTOMETRIC, PLANAR, SEPARATE, WHITE_IS_ZERO, has_tag

PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 2**24  # bytes of a profile or text, decompressed

REWRITTEN = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")  # by Pillow, when it turns an image
PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}  # of a PNG

DEPTHS = (8, 10, 12, 14, 16)  # of the sensors of cameras and scanners
# Of 16-bit colours Pillow loads the upper bytes; told the other byte order, it loads the lower ones.
OTHERS = {"B": "L", "N": "B" if sys.byteorder == "little" else "L"}
LOWER_BYTES = {
    **{f"{mode};16{order}": f"{mode};16{other}" for mode in ("RGB", "RGBX", "RGBA") for order, other in OTHERS.items()},
    "LA;16B": "RGBA",  # the two bytes of grey as red and green, those of alpha as blue and alpha
}


def load_eight_bits(opened: ImageFile, reopen: Callable[[], ImageFile]) -> Image.Image:
    """Load an image, upright, and scale more than 8 bits per channel to 8; ``reopen`` opens the same file again."""
    modes = [_arguments(tile)[0] for tile in opened.tile]
    if opened.mode == "L" and isinstance(opened.info.get("transparency"), int):  # Pillow scales all but this grey
        opened.info["transparency"] *= {"L;2": 85, "L;4": 17}.get(modes[0], 1)
    photo = load_upright(opened)
    transparent = photo.info.get("transparency")
    if photo.mode.startswith("I;16"):  # Pillow would clip 16 bits to 8 instead of scaling them
        scaled = scale_to_eight_bits(np.asarray(photo), transparent)
        return ImageOps.invert(scaled) if has_tag(opened, PHOTOMETRIC, WHITE_IS_ZERO) else scaled
    if photo.mode in ("I", "F"):
        raise OSError(f"its pixels are 32-bit numbers (mode {photo.mode}), of which no value is known to be white")
    has_sixteen_bits = bool(modes) and LOWER_BYTES.keys() >= set(modes)
    if has_sixteen_bits and (transparent or np.asarray(photo)[..., :3].max() < 2**6):  # at most 14 bits are in use
        if has_tag(opened, PLANAR, SEPARATE):
            raise OSError("its colours are in separate planes of 16 bits, of which at most 14 are in use")
        return scale_to_eight_bits(_join_lower_bytes(photo, reopen()), transparent)
    if photo.format == "BMP" and photo.mode == "RGBA" and not np.asarray(photo)[..., 3].any():
        return photo.convert("RGB")  # a program that leaves alpha at 0 means opaque
    return photo


def scale_to_eight_bits(samples: np.ndarray, transparent: int | tuple[int, ...] | None = None) -> Image.Image:
    """Scale samples, uint16, to 8 bits from the smallest of ``DEPTHS`` that holds the brightest one.

    This distinguishes a camera's 12 bits in a 16-bit file from the full range. An image whose brightest sample is below
    a quarter of its depth's range comes out too bright. Of RGBA, alpha is scaled by itself. The grey or the colour
    ``transparent``, in the range of the samples, becomes white.
    """
    if samples.shape[2:] == (4,):
        image = scale_to_eight_bits(samples[..., :3])
        image.putalpha(scale_to_eight_bits(samples[..., 3]))
        return image
    brightest = int(samples.max())
    bits = next(depth for depth in DEPTHS if brightest < 2**depth)
    scaled = np.empty(samples.shape, np.uint8)
    np.right_shift(samples, bits - 8, out=scaled, casting="unsafe")  # without a copy of samples, which may be large
    if transparent is not None:
        scaled[(np.atleast_3d(samples) == transparent).all(axis=2)] = 255
    return Image.fromarray(scaled)


def _join_lower_bytes(photo: Image.Image, opened: ImageFile) -> np.ndarray:
    """Join a photo, loaded as its upper bytes, with the lower ones to uint16 samples."""
    modes = [_arguments(tile)[0] for tile in opened.tile]
    tiles = zip(opened.tile, modes, strict=True)
    opened.tile = [tile._replace(args=(LOWER_BYTES[mode], *_arguments(tile)[1:])) for tile, mode in tiles]
    lower = np.asarray(load_upright(opened))
    samples = np.asarray(photo).astype(np.uint16)
    samples <<= 8
    samples |= lower[..., [1, 1, 1, 3]] if "LA;16B" in modes else lower
    return samples


def _arguments(tile: _Tile) -> tuple[Any, ...]:
    """List the arguments of a tile's decoder: the raw mode, which may stand alone, comes first."""
    return tile.args if isinstance(tile.args, tuple) else (tile.args,)


def load_upright(opened: ImageFile) -> ImageFile:
    """Load an image and turn it as its EXIF orientation says."""
    if opened.format != "TIFF":  # load() turns a TIFF, too
        opened.load()
    exif = _read_exif(opened)
    for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        exif.pop(directory, None)
    for key in REWRITTEN:
        opened.info.pop(key, None)
    ImageOps.exif_transpose(opened, in_place=True)
    return opened


def _read_exif(opened: ImageFile) -> Image.Exif:
    """Read EXIF as far as it is readable, and the orientation also where it follows an unreadable value."""
    with suppress(SyntaxError, ValueError, TypeError, struct.error):
        opened.getexif()
    exif = opened.getexif()  # what Pillow has read so far
    if ExifTags.Base.Orientation not in exif and hasattr(exif, "fp") and opened.format != "TIFF":
        exif.fp.seek(0)
        exif[ExifTags.Base.Orientation] = _find_orientation(exif.fp.read())
    return exif


def _find_orientation(block: bytes) -> int | None:
    order = ">" if block.startswith(b"MM") else "<"
    with suppress(struct.error):
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, value = struct.unpack_from(f"{order}H6xH", block, entry)
            if tag == ExifTags.Base.Orientation:
                return int(value)
    return None


def without_metadata(content: bytes) -> bytes:
    """Remove metadata for which Pillow may refuse a PNG, JPEG or AVIF, but not the orientation."""
    if content.startswith(b"\x89PNG"):
        chunks, start = [content[:8]], 8
        while start < len(content):
            end = start + 12 + int.from_bytes(content[start : start + 4])  # length, name, data, checksum
            name = content[start + 4 : start + 8]
            if name in PIXEL_CHUNKS:
                chunks.append(content[start:end])
            elif name == b"eXIf":
                chunks += [content[start : end - 4], zlib.crc32(content[start + 4 : end - 4]).to_bytes(4)]
            start = end
        return b"".join(chunks)
    if content.startswith(b"\xff\xd8"):
        return content.replace(b"JFIF\0", b"none\0").replace(b"Photoshop 3.0\0", b"none of these\0")
    # An AVIF has its orientation elsewhere, too.
    return content.replace(b"Exif", b"none") if content.startswith(b"ftyp", 4) else content
