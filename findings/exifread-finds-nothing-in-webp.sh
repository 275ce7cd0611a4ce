#!/usr/bin/env bash
# ExifRead 3.5.1: process_file() finds no orientation in a WebP photo that Pillow saved, so the photo stays on its side.
#
# It skips the first six bytes of the EXIF chunk, as if "Exif" and two zeros stood there, as in JPEG. The WebP standard has no such
# prefix there, and Pillow writes none; with the prefix, which some phones write, the orientation is found. WebP is among the formats
# that its documentation lists, and the result is an empty dictionary, as of a photo without EXIF, and no error. Of JPEG, PNG and TIFF
# photos the orientation is found. Near to it: exif-py issue 131 (open: another WebP file).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet exifread==3.5.1 pillow==13.0.0 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import io

import exifread
from PIL import Image

exif = Image.Exif()
exif[274] = 6  # to be turned by 90 degrees
print("ExifRead", exifread.__version__)
for name, block in [("JPEG", exif), ("PNG", exif), ("TIFF", exif), ("WEBP", exif), ("WEBP", b"Exif\0\0" + exif.tobytes())]:
    file = io.BytesIO()
    Image.new("RGB", (80, 60), "red").save(file, name, exif=block)
    prefixed = b"EXIF" in file.getvalue() and b"Exif\0\0" in file.getvalue()
    with Image.open(io.BytesIO(file.getvalue())) as photo:
        expected = photo.getexif().get(274)
    seen = {key: tag.values for key, tag in exifread.process_file(io.BytesIO(file.getvalue()), details=False).items()}
    print(name, "with the prefix" if prefixed else "-", "expected orientation, as of Pillow:", expected, "- seen:", seen.get("Image Orientation"))
    if name == "WEBP" and not prefixed:
        assert (expected, seen) == (6, {})
    else:
        assert seen["Image Orientation"] == [6]
PYTHON
