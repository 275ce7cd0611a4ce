#!/usr/bin/env bash
# Pillow 13.0.0: a BigTIFF is opened in little-endian byte order only, though the big-endian start is among those it knows.
#
# The version number 43 is looked for in the third byte of the file, where it is in little-endian order; in big-endian
# order it is in the fourth. The header is so read as that of an ordinary TIFF. The file is valid: tifffile writes and
# reads both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6 2>/dev/null
cat > "$folder/bigtiff.py" <<'PYTHON'
import io

import numpy as np
import PIL
import tifffile
from PIL import Image, UnidentifiedImageError

grey = np.array([[10, 200]], np.uint8)


def opened(byteorder):
    file = io.BytesIO()
    tifffile.imwrite(file, grey, bigtiff=True, byteorder=byteorder)
    assert (tifffile.imread(io.BytesIO(file.getvalue())) == grey).all()
    try:
        return np.asarray(Image.open(file)).tolist()
    except UnidentifiedImageError:
        return "UnidentifiedImageError"


print("Pillow", PIL.__version__, "tifffile", tifffile.__version__)
print("expected:", grey.tolist(), "in both byte orders")
seen = {"little-endian": opened("<"), "big-endian": opened(">")}
print("seen:", seen)
assert seen == {"little-endian": grey.tolist(), "big-endian": "UnidentifiedImageError"}, "this has changed"
PYTHON
"$folder/venv/bin/python" "$folder/bigtiff.py"
