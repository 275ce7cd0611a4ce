#!/usr/bin/env bash
# Pillow 13.0.0: saving an AVIF takes the orientation out of the caller's Exif object.
#
# AVIF stores the orientation as a property of its own, so the plugin moves it there, and pops it from the object that it
# was given, not from a copy. Saved next as JPEG with the same object, the picture has lost its orientation. PNG, JPEG,
# TIFF and WebP leave the object as it was.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 2>/dev/null
cat > "$folder/orientation.py" <<'PYTHON'
import io

import PIL
from PIL import Image

ORIENTATION = 274
print("Pillow", PIL.__version__)
print("expected: saving does not change the Exif object that is passed")
left = {}
for format in ("PNG", "JPEG", "TIFF", "WEBP", "AVIF"):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.new("RGB", (20, 10)).save(io.BytesIO(), format, exif=exif)
    left[format] = exif.get(ORIENTATION)
print("seen, orientation after saving as:", left)
assert left == {"PNG": 6, "JPEG": 6, "TIFF": 6, "WEBP": 6, "AVIF": None}, "this has changed"
PYTHON
"$folder/venv/bin/python" "$folder/orientation.py"
