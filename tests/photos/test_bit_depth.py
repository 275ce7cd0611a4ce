"""Pictures with 16 bits per colour, of which often fewer are in use."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from stages.photos.decode import open_photo


def grey(samples: np.ndarray, suffix: str) -> bytes:
    file = BytesIO()
    Image.fromarray(samples[..., 0]).save(file, suffix)
    return file.getvalue()


def png(samples: np.ndarray, transparent: bytes = b"") -> bytes:
    """Write grey, grey and alpha, RGB or RGBA in 16 bits, which Pillow does not."""
    height, width, channels = samples.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in samples)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0))
    header += chunk(b"tRNS", transparent) if transparent else b""
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def tiff(samples: np.ndarray, order: str, compression: int, fourth: int = 2) -> bytes:
    """Write RGB or RGBA in 16 bits, in the order of bytes < or >; compression 1 is none, 8 is zlib.

    ``fourth`` says what the fourth channel is: 2 is alpha, 0 anything else.
    """
    height, width, channels = samples.shape
    data = samples.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if compression == 8 else data
    start = 8 + 2 + 10 * 12 + 4 + 2 * channels  # header, tags, the depths
    tags = [(256, 1, width), (257, 1, height), (258, channels, start - 2 * channels), (259, 1, compression)]
    tags += [(262, 1, 2), (273, 1, start), (277, 1, channels), (278, 1, height), (279, 1, len(data))]
    tags += [(338, channels - 3, fourth)]
    directory = b"".join(struct.pack(f"{order}HHII", tag, 3 if tag == 258 else 4, n, value) for tag, n, value in tags)
    header = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    return header + directory + struct.pack(f"{order}I{channels}H", 0, *channels * [16]) + data


def shades(bits: int, coloured: bool) -> tuple[np.ndarray, np.ndarray]:
    """Make samples from black to white, of a depth of so many bits, and what they are in 8."""
    expected = np.tile(np.array([0, 64, 128, 255], np.uint16)[:, None], (4, 1, 3))
    expected[..., 1:] //= 2 if coloured else 1
    return expected << (bits - 8) | ((1 << (bits - 8)) - 1), expected


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_sixteen_bits_are_scaled_from_those_in_use(bits: int) -> None:
    samples, expected = shades(bits, coloured=False)
    for suffix in ("PNG", "TIFF"):
        np.testing.assert_array_equal(np.asarray(open_photo(grey(samples, suffix))), expected)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_so_are_colours(bits: int) -> None:
    samples, expected = shades(bits, coloured=True)
    contents = [png(samples), *(tiff(samples, order, compression) for order in "<>" for compression in (1, 8))]
    for content in contents:
        np.testing.assert_array_equal(np.asarray(open_photo(content)), expected)


@pytest.mark.parametrize("opaque", [2**12 - 1, 2**16 - 1])
def test_so_are_colours_and_grey_with_alpha_whose_depth_may_be_another(opaque: int) -> None:
    samples, expected = shades(12, coloured=True)
    samples = np.insert(samples, 3, opaque, axis=2)
    tiffs = [tiff(samples, order, kind, fourth) for order in "<>" for kind in (1, 8) for fourth in (0, 2)]
    for content in [png(samples), *tiffs]:
        np.testing.assert_array_equal(np.asarray(open_photo(content)), expected)
    grey_and_alpha = np.asarray(open_photo(png(samples[..., [0, 3]])))
    np.testing.assert_array_equal(grey_and_alpha, expected[..., [0, 0, 0]])


@pytest.mark.parametrize("bits", [10, 16])
def test_a_transparent_colour_of_sixteen_bits_turns_white(bits: int) -> None:
    samples, expected = shades(bits, coloured=True)
    red, green, blue = (int(sample) for sample in samples[0, 1])
    content = png(samples, struct.pack(">3H", red, green, blue))
    expected[:, 1] = 255
    np.testing.assert_array_equal(np.asarray(open_photo(content)), expected)
    grey_alone = png(samples[..., :1], struct.pack(">H", red))
    np.testing.assert_array_equal(np.asarray(open_photo(grey_alone)), expected[..., [0, 0, 0]])


@pytest.mark.parametrize(("bits", "key", "line"), [(2, 1, b"\x1e"), (4, 5, b"\x05\xfa")])
def test_so_does_a_grey_of_fewer_bits_than_eight(bits: int, key: int, line: bytes) -> None:
    content = png(np.zeros((1, 4, 1), np.uint16), struct.pack(">H", key))
    header = b"IHDR" + struct.pack(">IIBBBBB", 4, 1, bits, 0, 0, 0, 0)
    content = content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]
    data = b"IDAT" + zlib.compress(b"\0" + line)
    image = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    content = content[: content.index(b"IDAT") - 4] + image + content[-12:]
    assert np.asarray(open_photo(content))[0, :, 0].tolist() == [0, 255, 255, 170]


@pytest.mark.parametrize(("alpha", "expected"), [(0, [200, 1]), (255, [255, 1])])
def test_a_bmp_whose_alpha_is_zero_throughout_is_opaque(alpha: int, expected: list[int]) -> None:
    data = bytes([40, 30, 200, 0, 3, 2, 1, alpha])
    header = struct.pack("<IiiHHI20x", 124, 2, 1, 1, 32, 3)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + bytes(68)
    start = struct.pack("<IHHI", 14 + len(header + data), 0, 0, 14 + len(header))
    assert np.asarray(open_photo(b"BM" + start + header + data))[0, :, 0].tolist() == expected
