"""What a file says of its photo beside the pixels: the orientation is used, and all else may be damaged."""

import struct
import zlib
from contextlib import suppress

from PIL import ExifTags, Image, ImageFile, ImageOps, PngImagePlugin

MAX_TEXT_BYTES = 2**24  # of a colour profile or text in a PNG, decompressed
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = MAX_TEXT_BYTES

REWRITTEN = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")  # by Pillow, when it turns an image
PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}  # of a PNG


def load_upright(opened: ImageFile.ImageFile) -> ImageFile.ImageFile:
    """Load an image and turn it by its orientation."""
    if opened.format != "TIFF":  # load() turns a TIFF, too
        opened.load()
    exif = _read_exif(opened)
    for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        exif.pop(directory, None)
    for key in REWRITTEN:
        opened.info.pop(key, None)
    ImageOps.exif_transpose(opened, in_place=True)
    return opened


def without_metadata(content: bytes) -> bytes:
    """Remove what may make Pillow refuse a PNG, JPEG or AVIF, but not the orientation."""
    if content.startswith(b"\x89PNG"):
        chunks = [content[:8]]
        start = 8
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
    if content.startswith(b"ftyp", 4):  # the orientation is elsewhere in an AVIF, too
        return content.replace(b"Exif", b"none")
    return content


def _read_exif(opened: ImageFile.ImageFile) -> Image.Exif:
    """Read EXIF as far as it can be read, and the orientation also behind a value that cannot."""
    with suppress(SyntaxError, ValueError, TypeError, struct.error):
        opened.getexif()
    exif = opened.getexif()  # which Pillow keeps, as far as it came
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
