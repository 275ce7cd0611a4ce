"""A photo is decoded, and turned, whatever is wrong with the rest of what is noted in it."""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image

from stages.photos.decode import UnreadablePhotoError, open_photo

ORIENTATION = 0x0112
ON_ITS_SIDE = 6


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


def chunk(name: bytes, data: bytes, damage: int = 0) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) ^ damage)


def saved(name: str, **options: object) -> bytes:
    file = BytesIO()
    draw().save(file, name, **options)
    return file.getvalue()


def png(*chunks: bytes) -> bytes:
    content = saved("PNG")
    return content[:33] + b"".join(chunks) + content[33:]


WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda block: saved("JPEG", exif=block, quality=95),
    "MPO": lambda block: saved("MPO", exif=block, save_all=True, append_images=[draw()], quality=95),
    "PNG": lambda block: png(chunk(b"eXIf", block[6:])),
    "PNG of ImageMagick": lambda block: png(
        chunk(
            b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(f"\nexif\n{len(block):8}\n{block.hex()}\n".encode())
        )
    ),
    "WebP": lambda block: saved("WEBP", exif=block, lossless=True),
}


def odd_blocks() -> Iterator[bytes]:
    """Yield EXIF with a readable orientation, in which something else is odd."""
    block = exif()
    entries = 6 + 8 + 2
    places = [entries + 12 * number for number in range(int.from_bytes(block[entries - 2 : entries]))]
    for place in places:
        if block[place : place + 2] != ORIENTATION.to_bytes(2):
            for kind in range(14):
                yield block[: place + 2] + kind.to_bytes(2) + block[place + 4 :]
            for value in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\xff\xff"):
                yield block[: place + 8] + value + block[place + 12 :]
    behind = places[-1] + 12
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
    content = png(chunk(b"eXIf", exif()[6:]))
    with pytest.raises(UnreadablePhotoError):
        open_photo(content[:100])


def test_an_avif_is_decoded_without_its_exif() -> None:
    content = saved("AVIF", exif=exif(), quality=95)
    assert is_upright(content)
    damaged = content.replace(b"MM\0*", b"\0\0\0\0")
    assert damaged != content
    assert is_upright(damaged)


def test_a_tiff_is_turned_whatever_else_is_odd_in_it() -> None:
    tags = Image.Exif()
    tags.load(exif())
    content = saved("TIFF", exif=tags)
    assert is_upright(content)
    for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, 0x011A):
        place = content.index(struct.pack("<H", tag))
        for kind in range(1, 13):
            for value in (b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"):
                odd = content[: place + 2] + struct.pack("<HI", kind, 1) + value + content[place + 12 :]
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


def test_a_truncated_segment_of_a_jpeg_is_passed_over() -> None:
    content = WRITERS["JPEG"](exif())
    photoshop = b"Photoshop 3.0\x008BIM\4\4"
    segment = b"\xff\xed" + struct.pack(">H", 2 + len(photoshop)) + photoshop
    assert is_upright(content[:2] + segment + content[2:])
