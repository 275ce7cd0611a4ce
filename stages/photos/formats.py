"""Image formats that are read, and why a file is in none of them: not an image, or a TIFF that Pillow would misread."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO

from PIL import Image, TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from stages.common.cli import plural
from stages.storage.non_photos import HEADER_BYTES, SAVE, identify, is_text

# Pillow's other decoders stay closed to strangers' files: that of EPS, for one, starts Ghostscript.
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"]
with suppress(ImportError):
    from pillow_heif import register_heif_opener

    register_heif_opener()
    FORMATS.append("HEIF")
# Of photos, though the format is recognized by content. An MPO is a JPEG with more images behind it.
SUFFIXES = (*(suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS), ".mpo")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")

# Pillow's own decoder of uncompressed data reads every plane as 8 bits with black at 0.
TiffImagePlugin.READ_LIBTIFF = True

# Tags of a TIFF, and their values
SUBFILE_TYPE, REDUCED = 254, 1  # a smaller copy of another image in the file
WIDTH, BITS, BANDS, SUBDIRECTORIES, DNG_VERSION = 256, 258, 277, 330, 50706
PHOTOMETRIC, WHITE_IS_ZERO, BLACK_IS_ZERO, SENSOR_DATA = 262, 0, 1, {32803, 34892}
PLANAR, SEPARATE = 284, 2
SAMPLE_FORMAT, SIGNED = 339, 2

TIFF_PREFIXES = tuple(TiffImagePlugin.PREFIXES)
CANON_RAW = b"\x10\0\0\0CR\2"  # from the fifth byte on
BIG_TIFF = 43  # the third byte
MAX_SUBDIRECTORIES = 8  # that are looked at


def formats_of(header: bytes, formats: Iterable[str]) -> Iterator[str]:
    """Iterate over those of Pillow's formats that accept a file that starts with ``header``."""
    if needs_heif(header):  # which Pillow would take for an AVIF
        return iter(())
    padded = header.ljust(HEADER_BYTES, b"\0")
    return (name for name in formats if (accepts := Image.OPEN[name][1]) and accepts(padded))


def needs_heif(header: bytes) -> bool:
    """Return whether a file is a HEIC, and pillow-heif is not installed."""
    return "HEIF" not in FORMATS and header[4:8] == b"ftyp" and any(brand in header[8:64] for brand in HEIC_BRANDS)


def describe_other(header: bytes) -> str:
    """Describe a file that starts with ``header`` and is in none of ``FORMATS``."""
    if needs_heif(header):
        again = "dvc repro --force --single-item thumbnails && dvc repro"  # alone: not `download` before it
        return f"HEIC needs pillow-heif: {SAVE}, or pip install pillow-heif and `{again}`"
    if kind := identify(header):
        return f"is {kind}"
    if others := set(formats_of(header, Image.OPEN)).difference(FORMATS):
        return f"{min(others)} is not among the formats that are read: {SAVE}"
    return "is a text file" if is_text(header) else "cannot identify image file"


def find_tiff_problem(content: bytes) -> str | None:
    """Describe a TIFF that Pillow would misread; return None for any other."""
    first = _directory(content)
    offsets = [*first.get(SUBDIRECTORIES, ())[:MAX_SUBDIRECTORIES], first.next]
    others = [_directory(content, at) for at in offsets if isinstance(at, int) and 0 < at < len(content)]
    has_larger = any(tags.get(WIDTH, 0) > first.get(WIDTH, 0) for tags in others)
    is_preview = first.get(SUBFILE_TYPE) == REDUCED and (SUBDIRECTORIES in first or has_larger)
    has_sensor_data = any(tags.get(PHOTOMETRIC) in SENSOR_DATA for tags in (first, *others))
    if is_preview or has_sensor_data or DNG_VERSION in first or content.startswith(CANON_RAW, 4):
        return f"a camera's RAW, or another TIFF that begins with a preview: {SAVE}"
    is_grey = first.get(PHOTOMETRIC) in (WHITE_IS_ZERO, BLACK_IS_ZERO)
    max_bands = 1 if first.get(PLANAR) == SEPARATE else 2  # grey, and alpha
    has_too_many = is_grey and first.get(BANDS, 1) > max_bands
    is_signed = SIGNED in first.get(SAMPLE_FORMAT, ())
    return describe_tiff(content) if has_too_many or is_signed else None


def describe_tiff(content: bytes) -> str:
    first = _directory(content)
    sign = "signed " if SIGNED in first.get(SAMPLE_FORMAT, ()) else ""
    return f"a TIFF of {plural(first.get(BANDS, 1), 'band')} of {first.get(BITS, (1,))[0]} {sign}bits: {SAVE}"


def has_tag(opened: Image.Image, tag: int, value: int) -> bool:
    return isinstance(opened, TiffImagePlugin.TiffImageFile) and opened.tag_v2.get(tag) == value


def _directory(content: bytes, offset: int | None = None) -> ImageFileDirectory_v2:
    """Read the tags of one image in a TIFF, by default the first."""
    directory = ImageFileDirectory_v2(content[: 16 if content[2] == BIG_TIFF else 8])
    file = BytesIO(content)
    file.seek(directory.next if offset is None else offset)
    directory.load(file)
    return directory
