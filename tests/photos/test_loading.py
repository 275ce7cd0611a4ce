"""Images are turned and scaled right, whatever else is in their metadata."""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import product

import numpy as np
import pytest
from PIL import ExifTags, Image

from stages.photos.decode import UnreadablePhotoError, open_photo
from tests.photos.test_formats import BLACK_IS_ZERO, RGB, write_tiff

ORIENTATION, ON_ITS_SIDE = 0x0112, 6


def chunk(name: bytes, data: bytes, damage: int = 0) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) ^ damage)


def deep_png(samples: np.ndarray, transparent: bytes = b"", bits: int = 16) -> bytes:
    """Write grey, grey and alpha, RGB or RGBA in 16 bits, or packed grey, which Pillow does not."""
    height, width, channels = samples.shape
    lines = b"".join(b"\0" + (samples.astype(">u2") if bits == 16 else samples)[y].tobytes() for y in range(height))
    width = width if bits == 16 else width * 8 // bits
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    header += chunk(b"tRNS", transparent) if transparent else b""
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def shades(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Make samples from black to white, of a depth of so many bits, and their values in 8."""
    expected = np.tile(np.array([0, 64, 128, 255], np.uint16)[:, None], (4, 1, 3))
    expected[..., 1:] //= 2
    return expected << (bits - 8) | ((1 << (bits - 8)) - 1), expected


def assert_decoded(content: bytes, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(np.asarray(open_photo(content)), expected)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("photometric", [BLACK_IS_ZERO, RGB])
def test_16_bits_are_scaled_from_the_bits_in_use(bits: int, photometric: int) -> None:
    samples, expected = shades(bits)
    if photometric == BLACK_IS_ZERO:
        samples, expected = samples[..., :1], expected[..., [0, 0, 0]]
    tiffs = [write_tiff(samples, 16, photometric, order, compression=kind) for order in "<>" for kind in (1, 8)]
    for content in [deep_png(samples), *tiffs]:
        assert_decoded(content, expected)


@pytest.mark.parametrize("opaque", [2**12 - 1, 2**16 - 1])
def test_alpha_may_have_another_depth_than_colours(opaque: int) -> None:
    samples, expected = shades(12)
    samples = np.insert(samples, 3, opaque, axis=2)
    assert_decoded(deep_png(samples), expected)
    for order, compression, fourth in product("<>", (1, 8), (0, 2)):  # the fourth channel: alpha is 2
        tiff = write_tiff(samples, 16, order=order, compression=compression, extra={338: fourth})
        assert_decoded(tiff, expected)
    assert_decoded(deep_png(samples[..., [0, 3]]), expected[..., [0, 0, 0]])


@pytest.mark.parametrize("bits", [10, 16])
def test_a_transparent_16_bit_colour_turns_white(bits: int) -> None:
    samples, expected = shades(bits)
    red, green, blue = (int(sample) for sample in samples[0, 1])
    expected[:, 1] = 255
    assert_decoded(deep_png(samples, struct.pack(">3H", red, green, blue)), expected)
    assert_decoded(deep_png(samples[..., :1], struct.pack(">H", red)), expected[..., [0, 0, 0]])


@pytest.mark.parametrize(("bits", "key", "line"), [(2, 1, [0x1E]), (4, 5, [0x05, 0xFA])])
def test_a_transparent_grey_of_few_bits_turns_white(bits: int, key: int, line: list[int]) -> None:
    content = deep_png(np.array(line, np.uint8)[None, :, None], struct.pack(">H", key), bits)
    assert np.asarray(open_photo(content))[0, :, 0].tolist() == [0, 255, 255, 170]


@pytest.mark.parametrize(("alpha", "expected"), [(0, [200, 1]), (255, [255, 1])])
def test_a_bmp_with_zero_alpha_throughout_is_opaque(alpha: int, expected: list[int]) -> None:
    data = bytes([40, 30, 200, 0, 3, 2, 1, alpha])
    header = struct.pack("<IiiHHI20x", 124, 2, 1, 1, 32, 3)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + bytes(68)
    start = struct.pack("<IHHI", 14 + len(header + data), 0, 0, 14 + len(header))
    assert np.asarray(open_photo(b"BM" + start + header + data))[0, :, 0].tolist() == expected


def draw() -> Image.Image:
    photo = Image.new("RGB", (24, 16), "black")
    photo.paste("white", (0, 0, 12, 16))
    return photo


def is_upright(content: bytes) -> bool:
    pixels = np.asarray(open_photo(content))
    return pixels.shape == (24, 16, 3) and pixels[2].min() > 200 and pixels[-2].max() < 55


def exif() -> bytes:
    """Make EXIF with values of several kinds."""
    tags = Image.Exif()
    tags[ORIENTATION] = ON_ITS_SIDE
    tags[0x010F] = "maker"
    tags[0x011A] = 72.0
    tags[ExifTags.IFD.Exif] = {0x829A: 0.01, 0x9003: "2024:01:01 00:00:00", 0x927C: b"note"}
    tags[ExifTags.IFD.GPSInfo] = {1: "N", 2: (1.0, 2.0, 3.0)}
    return tags.tobytes()


def saved(name: str, **options: object) -> bytes:
    file = BytesIO()
    draw().save(file, name, **options)
    return file.getvalue()


def png(*chunks: bytes) -> bytes:
    content = saved("PNG")
    return content[:33] + b"".join(chunks) + content[33:]


def hex_text(block: bytes) -> bytes:
    """Write EXIF as ImageMagick does."""
    return b"Raw profile type exif\0\0" + zlib.compress(f"\nexif\n{len(block):8}\n{block.hex()}\n".encode())


WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda block: saved("JPEG", exif=block, quality=95),
    "MPO": lambda block: saved("MPO", exif=block, save_all=True, append_images=[draw()], quality=95),
    "PNG": lambda block: png(chunk(b"eXIf", block[6:])),
    "PNG of ImageMagick": lambda block: png(chunk(b"zTXt", hex_text(block))),
    "WebP": lambda block: saved("WEBP", exif=block, lossless=True),
}


def odd_blocks() -> Iterator[bytes]:
    """Yield EXIF with a readable orientation, in which something else is odd."""
    block = exif()
    entries = 6 + 8 + 2
    starts = [entries + 12 * index for index in range(int.from_bytes(block[entries - 2 : entries]))]
    for start in starts:
        if block[start : start + 2] != ORIENTATION.to_bytes(2):
            for kind in range(14):
                yield block[: start + 2] + kind.to_bytes(2) + block[start + 4 :]
            for value in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\xff\xff"):
                yield block[: start + 8] + value + block[start + 12 :]
    behind = starts[-1] + 12
    yield from (block[:length] for length in range(behind, len(block), 7))
    draws = random.Random(0)
    for _ in range(50):
        odd = bytearray(block)
        odd[draws.randrange(behind + 4, len(odd))] = draws.randrange(256)
        yield bytes(odd)


@pytest.mark.parametrize("name", WRITERS)
def test_a_photo_is_turned_whatever_else_is_odd_in_exif(name: str) -> None:
    assert all(is_upright(WRITERS[name](block)) for block in odd_blocks())


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("block", [b"", b"no EXIF at all", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"\0" * 100])
def test_a_photo_without_readable_exif_is_decoded(name: str, block: bytes) -> None:
    assert open_photo(WRITERS[name](b"Exif\0\0" + block)).size == (24, 16)


def test_a_png_that_ends_in_its_exif_is_refused() -> None:
    with pytest.raises(UnreadablePhotoError):
        open_photo(png(chunk(b"eXIf", exif()[6:]))[:100])


def test_an_avif_is_decoded_without_its_exif() -> None:
    content = saved("AVIF", exif=exif(), quality=95)
    damaged = content.replace(b"MM\0*", b"\0\0\0\0")
    assert damaged != content
    assert is_upright(content)
    assert is_upright(damaged)


def test_a_tiff_is_turned_whatever_else_is_odd_in_it() -> None:
    tags = Image.Exif()
    tags.load(exif())
    content = saved("TIFF", exif=tags)
    assert is_upright(content)
    for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, 0x011A):
        start = content.index(struct.pack("<H", tag))
        for kind in range(1, 13):
            for value in (b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"):
                odd = content[: start + 2] + struct.pack("<HI", kind, 1) + value + content[start + 12 :]
                assert is_upright(odd), (tag, kind, value)


LONG = b"a long text" * 100_000


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(LONG)),
        chunk(b"zTXt", b"key\0\0" + zlib.compress(LONG)),
        chunk(b"iTXt", b"key\0\1\0\0\0" + zlib.compress(LONG)),
        chunk(b"tEXt", b"key\0" + LONG),
        chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(20_000_000))),
        chunk(b"iCCP", b"profile\0\7" + b"unknown compression"),
        chunk(b"tEXt", b"key\0damaged", damage=1),
        chunk(b"gAMA", b""),
        chunk(b"acTL", b"\0"),
    ],
    ids=range(9),
)
def test_a_png_is_decoded_whatever_its_other_chunks_are(odd: bytes) -> None:
    assert is_upright(png(odd, chunk(b"eXIf", exif()[6:])))
    content = png(chunk(b"eXIf", exif()[6:], damage=1))
    assert is_upright(content[:-12] + odd + content[-12:])


def test_a_truncated_segment_of_a_jpeg_is_ignored() -> None:
    content = WRITERS["JPEG"](exif())
    photoshop = b"Photoshop 3.0\x008BIM\4\4"
    segment = b"\xff\xed" + struct.pack(">H", 2 + len(photoshop)) + photoshop
    assert is_upright(content[:2] + segment + content[2:])
