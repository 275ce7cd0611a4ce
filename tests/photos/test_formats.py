"""Each file is decoded right or refused by name: what is not a photo, and the many kinds of TIFF."""

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stages.photos.decode import UnreadablePhotoError, _has_no_end, open_photo, read_photo


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (bytes(4000), "zero bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a Git LFS pointer: run `git lfs pull`"),
        (b"<!DOCTYPE html>\n<title>Sign in</title>", "a web page"),
        (b"<head><title>Sign in</title>", "a web page"),
        (b"\xef\xbb\xbf\r\n <HTML lang='en'><body>", "a web page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "an XML file"),
        (b'{"error": "not found"}', "a text file"),
        ("caf\u00e9 ".encode() * 200, "a text file"),
        (bytes(128) + b"DICM\2\0", "DICOM"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"8BPS\0\1" + bytes(20), "PSD"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS is not among the formats that are read"),  # Pillow's starts a program
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"\x1aE\xdf\xa3\x01\0", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "a camera's RAW"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's RAW"),
        (b"IIRO\x08\0\0\0", "a camera's RAW"),
        (b"IIU\0\x18\0\0\0", "a camera's RAW"),
        (b"PK\3\4\x14\0", "a zip archive"),
        (b"a.jpg".ljust(257, b"\0") + b"ustar\0", "a tar archive"),
        (b"\x1f\x8b\x08\0", "a compressed file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z or rar archive"),
        (b"\x93NUMPY\1\0", "a NumPy array"),
        (b"\x8f\x02\xff\x13", "cannot identify"),
    ],
)
def test_a_file_that_is_not_a_photo_is_identified(content: bytes, kind: str) -> None:
    with pytest.raises(UnreadablePhotoError, match=f"^cannot be decoded: .*{kind}"):
        open_photo(content)
    with pytest.raises(UnreadablePhotoError, match=kind):
        read_photo(BytesIO(content), len(content), max_megapixels=1)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("compression", [None, "tga_rle"])
def test_a_tga_is_identified(mode: str, compression: str | None) -> None:
    file = BytesIO()
    Image.new(mode, (8, 8)).save(file, "TGA", compression=compression)
    with pytest.raises(UnreadablePhotoError, match=r"is TGA: save it as JPEG$"):
        open_photo(file.getvalue())


def test_a_jpeg_of_twelve_bits_is_refused_by_name() -> None:
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    start, marker, end = file.getvalue().partition(b"\xff\xc0\0\x11")
    with pytest.raises(UnreadablePhotoError, match="12-bit"):
        open_photo(start + marker + b"\x0c" + end[1:])


EXIF = b"Exif\0\0\xff\xd8\xff\xda\xff\xd9"  # with the end of a thumbnail
NOISE = Image.effect_noise((200, 150), 50)
OPTIONS = [{}, {"progressive": True}, {"exif": EXIF}, {"format": "MPO", "save_all": True, "append_images": [NOISE]}]


@pytest.mark.parametrize("options", [*OPTIONS, {"format": "PNG"}, {"format": "AVIF"}])
def test_a_photo_whose_end_is_zeros_is_refused(options: dict[str, Any]) -> None:
    """As a copy that stopped leaves it; zeros behind its end are some cameras'."""
    file = BytesIO()
    NOISE.save(file, **{"format": "JPEG", **options})
    content = file.getvalue()
    assert open_photo(content + bytes(999)).size == (200, 150)
    for padding in (0, 999):
        with pytest.raises(UnreadablePhotoError, match="cut short"):
            open_photo(content[: len(content) * 2 // 5].ljust(len(content) + padding, b"\0"))


def test_the_end_of_a_heic_or_an_avif_is_that_of_its_boxes() -> None:
    """Where that of a HEIC is zeros, libheif decodes grey. Size 0 of the last box means up to the file's end."""
    file = BytesIO()
    NOISE.save(file, "AVIF")
    assert not _has_no_end("HEIF", file.getvalue() + bytes(64))
    assert _has_no_end("HEIF", file.getvalue()[:-64] + bytes(64))
    start, name, data = file.getvalue().partition(b"mdat")
    content = start[:-4] + bytes(4) + name + data
    assert open_photo(content).size == (200, 150)
    with pytest.raises(UnreadablePhotoError, match="cut short"):
        open_photo(content + bytes(64))


WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK, SENSOR_DATA = 0, 1, 2, 5, 32803
LAYOUTS: list[dict[str, Any]] = [
    {"order": order, "planar": planar, "compression": compression, "tiled": tiled}
    for order, planar, compression, tiled in product("<>", (1, 2), (1, 8), (False, True))
]
Tags = Mapping[int, int | list[int] | bytes]


def pack(samples: np.ndarray, bits: int, order: str) -> bytes:
    if bits >= 8:
        return samples.astype(f"{order}u{bits // 8}").tobytes()
    lines = ["".join(f"{sample:0{bits}b}" for sample in line.ravel()) for line in samples]
    return b"".join(int(line, 2).to_bytes(len(line) // 8) for line in lines)


def tags_of(
    samples: np.ndarray, bits: int, photometric: int, order: str, planar: int, compression: int, tiled: bool
) -> tuple[Tags, bytes]:
    """Describe an image whose samples are 8 bytes from the start of the file."""
    height, width, bands = samples.shape
    planes = [samples] if planar == 1 else [samples[..., [band]] for band in range(bands)]
    tops = range(0, height, 16)
    lefts = range(0, width, 16) if tiled else [0]
    side = 16 if tiled else width
    parts = [pack(p[y : y + 16, x : x + side], bits, order) for p in planes for y in tops for x in lefts]
    parts = [zlib.compress(part) for part in parts] if compression == 8 else parts
    starts = [8 + sum(map(len, parts[:index])) for index in range(len(parts))]
    tags: dict[int, int | list[int] | bytes] = {256: width, 257: height, 277: bands, 258: [bits] * bands}
    tags |= {259: compression, 262: photometric, 284: planar}
    tags |= {324 if tiled else 273: starts, 325 if tiled else 279: [len(part) for part in parts]}
    return tags | ({322: 16, 323: 16} if tiled else {278: 16}), b"".join(parts)


def directory(tags: Tags, order: str, start: int, following: int = 0) -> bytes:
    entries = struct.pack(f"{order}H", len(tags))
    apart = b""
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        data = value if isinstance(value, bytes) else struct.pack(f"{order}{len(values)}I", *values)
        count = len(value) if isinstance(value, bytes) else len(values)
        kind = 1 if isinstance(value, bytes) else 4
        if len(data) > 4:
            offset = start + 2 + 12 * len(tags) + 4 + len(apart)
            apart += data
            data = struct.pack(f"{order}I", offset)
        entries += struct.pack(f"{order}HHI", tag, kind, count) + data.ljust(4, b"\0")
    return entries + struct.pack(f"{order}I", following) + apart


def write_tiff(
    samples: np.ndarray,
    bits: int = 8,
    photometric: int = RGB,
    order: str = "<",
    planar: int = 1,
    compression: int = 1,
    tiled: bool = False,
    extra: Tags | None = None,
    inner: Tags | None = None,
    following: Tags | None = None,
) -> bytes:
    """Write a TIFF, with a directory inside the first and one after it."""
    tags, data = tags_of(samples, bits, photometric, order, planar, compression, tiled)
    tags = {**tags, **(extra or {}), **({} if inner is None else {330: 8 + len(data)})}
    start = 8 + len(data) + 1000
    first = directory(tags, order, start, 8 + len(data) + 500 if following is not None else 0)
    others = directory(inner or {}, order, 8 + len(data)).ljust(500, b"\0")
    others += directory(following or {}, order, 8 + len(data) + 500).ljust(500, b"\0")
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    return header + data + others + first


def shades(bits: int, bands: int) -> np.ndarray:
    """Make samples of all depths from 0 on, in which no two bands are alike."""
    y, x, band = np.mgrid[:32, :32, :bands]
    return np.asarray((8 * (y + 5 * band) + x) % 256 * (2**bits - 1) // 255)


def in_eight_bits(samples: np.ndarray, bits: int) -> np.ndarray:
    return np.asarray(np.rint(samples / (2**bits - 1) * 255), int)


def assert_alike(content: bytes, expected: np.ndarray) -> None:
    decoded = np.asarray(open_photo(content)).astype(int)
    assert np.abs(decoded - expected).max() <= 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bits", [8, 16])
def test_colours_are_right_in_every_layout(bits: int, layout: dict[str, Any]) -> None:
    samples = shades(bits, 3)
    assert_alike(write_tiff(samples, bits, RGB, **layout), in_eight_bits(samples, bits))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_grey_is_right_in_every_layout(bits: int, photometric: int, layout: dict[str, Any]) -> None:
    samples = shades(bits, 1)
    content = write_tiff(samples, bits, photometric, **layout)
    expected = in_eight_bits(samples, bits)
    if bits == 16 and photometric == WHITE_IS_ZERO and layout["order"] == ">":
        with pytest.raises(UnreadablePhotoError, match="a TIFF of 1 band of 16 bits"):
            open_photo(content)
    else:
        assert_alike(content, 255 - expected if photometric == WHITE_IS_ZERO else expected)


def test_12_bits_where_white_is_zero_are_scaled_and_inverted() -> None:
    samples = shades(12, 1)
    assert_alike(write_tiff(samples, 16, WHITE_IS_ZERO), 255 - in_eight_bits(samples, 12))


@pytest.mark.parametrize("compression", [1, 8])
def test_cmyk_in_planes_of_16_bits_is_right(compression: int) -> None:
    samples = shades(16, 4)
    ink = in_eight_bits(samples, 16)
    expected = (255 - ink[..., :3]) * (255 - ink[..., 3:]) // 255
    assert_alike(write_tiff(samples, 16, CMYK, planar=2, compression=compression), expected)


def test_grey_with_associated_alpha_is_right() -> None:
    grey = shades(8, 1)
    opaque = np.concatenate([grey, np.full_like(grey, 255)], axis=2)
    assert_alike(write_tiff(opaque, photometric=BLACK_IS_ZERO, extra={338: 1}), grey)


FIVE_BANDS: dict[str, Any] = {"photometric": BLACK_IS_ZERO, "extra": {338: [0] * 4}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (write_tiff(shades(8, 5), **FIVE_BANDS), "a TIFF of 5 bands of 8 bits"),
        (write_tiff(shades(8, 5), planar=2, compression=8, **FIVE_BANDS), "a TIFF of 5 bands of 8 bits"),
        (write_tiff(shades(16, 5), 16, extra={338: [0] * 2}), "a TIFF of 5 bands of 16 bits"),
        (write_tiff(shades(32, 3), 32), "a TIFF of 3 bands of 32 bits"),
        (write_tiff(shades(8, 2), photometric=BLACK_IS_ZERO, planar=2, extra={338: 2}), "a TIFF of 2 bands of 8"),
        (write_tiff(shades(8, 3), extra={259: 65535}), "a TIFF of 3 bands of 8 bits: "),
        (write_tiff(shades(8, 1), photometric=BLACK_IS_ZERO, extra={339: 2}), "a TIFF of 1 band of 8 signed bits"),
        (write_tiff(shades(32, 1), 32, BLACK_IS_ZERO, extra={339: 3}), r"32-bit numbers \(mode F\), of which no value"),
        (write_tiff(shades(32, 1), 32, BLACK_IS_ZERO), r"32-bit numbers \(mode I\), of which no value"),
        (write_tiff(shades(12, 3), 16, planar=2), "in separate planes of 16 bits"),
        (write_tiff(shades(12, 3), 16, planar=2, compression=8), "in separate planes of 16 bits"),
    ],
)
def test_other_colours_are_refused_by_name(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePhotoError, match=reason):
        open_photo(content)


LARGER: Tags = {254: 0, 256: 6000, 257: 4000, 262: RGB}
CANON_RAW = b"II*\0\x10\0\0\0CR\2\0\0\0\0\0" + directory({256: 32, 257: 32, 259: 6}, "<", 16)


@pytest.mark.parametrize(
    "tags",
    [
        {"extra": {254: 1}, "inner": {254: 0, 256: 6000, 262: SENSOR_DATA}},  # as NEF, ARW, SRW
        {"inner": {256: 6000, 262: SENSOR_DATA}},
        {"extra": {254: 1, 50706: b"\1\4\0\0"}, "inner": LARGER},  # as DNG
        {"extra": {50706: b"\1\4\0\0"}},
        {"extra": {262: SENSOR_DATA, 259: 65535}},  # as PEF
        {"extra": {254: 1}, "following": LARGER},
    ],
)
@pytest.mark.parametrize("order", "<>")
def test_the_preview_in_a_cameras_raw_is_not_the_photo(order: str, tags: dict[str, Any]) -> None:
    for content in (write_tiff(shades(8, 3), order=order, **tags), CANON_RAW):
        with pytest.raises(UnreadablePhotoError, match="a camera's RAW"):
            open_photo(content)


@pytest.mark.parametrize(
    "tags",
    [
        {"extra": {271: b"NIKON CORPORATION\0", 254: 0}},
        {"extra": {254: 1}},  # a mistake of some programs, as there is no other image
        {"extra": {254: 0}, "inner": {254: 1, 256: 16, 262: RGB}},  # a pyramid
        {"extra": {254: 2}, "following": LARGER},  # pages
        {"inner": {}},
        {"extra": {330: 2**32 - 1}},
    ],
)
def test_an_ordinary_tiff_is_not_a_raw(tags: dict[str, Any]) -> None:
    assert_alike(write_tiff(shades(8, 3), **tags), shades(8, 3))
