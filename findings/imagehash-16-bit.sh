#!/usr/bin/env bash
# ImageHash 4.3.2 with Pillow 13.0.0: a greyscale picture has another hash with 16 bits than with 8.
#
# All of its hashes begin with convert("L"), which clips the 16 bits of a picture to 255 rather than scale them: nearly every
# pixel becomes white. So copies of a scan or a radiograph with 8 and with 16 bits are not found, without a warning. That
# Pillow clips is known (its issue 3011); that the hashes rest on it is in no document of ImageHash.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imagehash==4.3.2 pillow==13.0.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import imagehash
import numpy as np
import PIL
from PIL import Image

print("ImageHash", imagehash.__version__, "Pillow", PIL.__version__)
print("expected: 0 of 64 bits differ between a picture with 8 bits and the same with 16")
random = np.random.default_rng(0)
for name in ("average_hash", "phash", "dhash"):
    distances = []
    for _ in range(5):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8), np.uint8))
        grey = np.asarray(coarse.resize((64, 64), Image.Resampling.BICUBIC))
        Image.fromarray(grey).save(f"{sys.argv[1]}/8.png")
        Image.fromarray(grey.astype(np.uint16) * 257).save(f"{sys.argv[1]}/16.png")
        hashes = [getattr(imagehash, name)(Image.open(f"{sys.argv[1]}/{bits}.png")) for bits in (8, 16)]
        distances.append(int(hashes[0] - hashes[1]))
    print(f"seen by {name}: {distances}")
    assert min(distances) > 8
PYTHON
