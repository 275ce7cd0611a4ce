#!/usr/bin/env bash
# Pillow 13.0.0: an uncompressed TIFF with 16-bit colours in separate planes is read as if each plane had 8 bits.
#
# The file is valid: PlanarConfiguration 2, one strip for red, one for green, one for blue. Pillow opens it as RGB without a
# warning, and takes the low and the high byte of each sample for two neighbouring pixels. With
# TiffImagePlugin.READ_LIBTIFF = True, by which libtiff decodes it, the colours are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 2>/dev/null
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import struct
import sys

import PIL
from PIL import Image, TiffImagePlugin

side, colour = 4, (0xFF10, 0x8020, 0x4030)  # one colour all over
planes = [struct.pack("<H", value) * side * side for value in colour]
size, entries = len(planes[0]), []
arrays = 8 + 2 + 10 * 12 + 4
bits, offsets, counts, data = arrays, arrays + 6, arrays + 18, arrays + 30
for tag, kind, count, value in [
    (256, 3, 1, side), (257, 3, 1, side), (258, 3, 3, bits), (259, 3, 1, 1), (262, 3, 1, 2),
    (273, 4, 3, offsets), (277, 3, 1, 3), (278, 3, 1, side), (279, 4, 3, counts), (284, 3, 1, 2),
]:
    entries.append(struct.pack("<HHII", tag, kind, count, value))
with open(f"{sys.argv[1]}/planar.tif", "wb") as file:
    file.write(struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + b"".join(entries) + struct.pack("<I", 0))
    file.write(struct.pack("<3H3I3I", 16, 16, 16, *(data + size * n for n in range(3)), *[size] * 3) + b"".join(planes))

def read():
    with Image.open(f"{sys.argv[1]}/planar.tif") as picture:
        return sorted(set(picture.convert("RGB").get_flattened_data()))

expected = [tuple(value >> 8 for value in colour)]
plain = read()
TiffImagePlugin.READ_LIBTIFF = True
by_libtiff = read()
print("Pillow", PIL.__version__)
print("expected: one colour,", expected)
print("seen:    ", plain)
print("by libtiff:", by_libtiff)
assert by_libtiff == expected
assert plain != expected and len(plain) > 1
PYTHON
