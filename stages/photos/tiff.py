"""TIFF files that Pillow refuses, or of which it would read something else than the photo."""

from io import BytesIO

from PIL import TiffImagePlugin
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import COMPRESSION_INFO, PREFIXES, ImageFileDirectory_v2

from stages.photos.identify import SAVE

# Pillow's own reader of what is not compressed takes each plane for one of 8 bits, in which black is zero.
TiffImagePlugin.READ_LIBTIFF = True

# Tags and their values
SUBFILE_TYPE, REDUCED = 254, 1  # a smaller copy of another image in the file
WIDTH, BITS, COMPRESSION, BANDS, SUBDIRECTORIES, DNG_VERSION = 256, 258, 259, 277, 330, 50706
PHOTOMETRIC, WHITE_IS_ZERO, BLACK_IS_ZERO, SENSOR_DATA = 262, 0, 1, {32803, 34892}
PLANAR, IN_PLANES = 284, 2

CANON_RAW = b"\x10\0\0\0CR\2"  # from the fifth byte on
BIG_TIFF = 43  # the third byte
MAX_SUBDIRECTORIES = 8  # that are looked at


def is_tiff(header: bytes) -> bool:
    """Return whether a file that starts with these bytes is a TIFF."""
    return header.startswith(tuple(PREFIXES))


def find_problem(content: bytes) -> str | None:
    """Say what a TIFF is of which Pillow would read something else than the photo."""
    first = _directory(content)
    offsets = first.get(SUBDIRECTORIES, ())
    offsets = offsets[:MAX_SUBDIRECTORIES] if isinstance(offsets, tuple) else (offsets,)
    others = [_directory(content, o) for o in (*offsets, first.next) if isinstance(o, int) and 0 < o < len(content)]
    is_preview = first.get(SUBFILE_TYPE) == REDUCED and (
        SUBDIRECTORIES in first or any(_width(other) > _width(first) for other in others)
    )
    if (
        content.startswith(CANON_RAW, 4)
        or DNG_VERSION in first
        or any(directory.get(PHOTOMETRIC) in SENSOR_DATA for directory in [first, *others])
        or is_preview
    ):
        return f"a camera's RAW, or another TIFF that begins with a preview: {SAVE}"
    bands = first.get(BANDS, 1)
    most_bands = 1 if first.get(PLANAR) == IN_PLANES else 2  # grey, and alpha
    too_many = first.get(PHOTOMETRIC) in (WHITE_IS_ZERO, BLACK_IS_ZERO) and bands > most_bands
    return describe(content) if too_many or first.get(COMPRESSION, 1) not in COMPRESSION_INFO else None


def describe(content: bytes) -> str:
    """Describe the colours of a TIFF that Pillow refuses."""
    first = _directory(content)
    bands = first.get(BANDS, 1)
    return (
        f"a TIFF of {bands} band{'s' * (bands != 1)} of {first.get(BITS, (1,))[0]} bits (photometric interpretation "
        f"{first.get(PHOTOMETRIC)}, compression {first.get(COMPRESSION, 1)}): {SAVE}"
    )


def has_separate_planes(opened: ImageFile) -> bool:
    """Return whether an image is a TIFF with a plane for each colour."""
    return isinstance(opened, TiffImagePlugin.TiffImageFile) and opened.tag_v2.get(PLANAR) == IN_PLANES


def is_white_zero(opened: ImageFile) -> bool:
    """Return whether an image is a TIFF in whose samples white is 0."""
    return isinstance(opened, TiffImagePlugin.TiffImageFile) and opened.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO


def _directory(content: bytes, offset: int | None = None) -> ImageFileDirectory_v2:
    """Read the tags of an image in a TIFF, of the first by default."""
    directory = ImageFileDirectory_v2(content[: 16 if content[2] == BIG_TIFF else 8])
    file = BytesIO(content)
    file.seek(directory.next if offset is None else offset)
    directory.load(file)
    return directory


def _width(directory: ImageFileDirectory_v2) -> int:
    width = directory.get(WIDTH)
    return width if isinstance(width, int) else 0
