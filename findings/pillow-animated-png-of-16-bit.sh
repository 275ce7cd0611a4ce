#!/usr/bin/env bash
# Pillow 13.0.0: of an animated PNG of 16-bit frames, only changes between values below 256 are written; with a duration, frames are lost.
#
# To write of each frame only the part that changed, both are converted to RGBA before they are compared, where all values above 255 become
# 255. A frame without a change by that measure is written whole, or, with a duration, added to that of the frame before. One with a part
# that changed, such as a counter in a dark corner, is cut to that part, and shows the first frame in the rest. As a TIFF, the same
# frames are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import io

import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__)


def read_back(frames, file_format, **options):
    """Return the frames as they are read from the animation that was written of them."""
    first, *others = map(Image.fromarray, frames)
    file = io.BytesIO()
    first.save(file, file_format, save_all=True, append_images=others, **options)
    image = Image.open(file)
    seen = []
    for index in range(image.n_frames):
        image.seek(index)
        seen.append(np.asarray(image).copy())
    return seen


frames = np.full((4, 20, 30), 1000, np.uint16)
for index, frame in enumerate(frames):
    frame[5:15, 5 + 4 * index : 10 + 4 * index] = 2000  # a bright square moves to the right
counted = frames.copy()
counted[:, 0, 0] = range(4)
for name, images, file_format, options, right in [
    ("8 bits, with a duration", (frames // 10).astype(np.uint8), "PNG", {"duration": 100}, 4),
    ("16 bits as TIFF", counted, "TIFF", {}, 4),
    ("16 bits", frames, "PNG", {}, 4),
    ("16 bits, with a duration", frames, "PNG", {"duration": 100}, 1),
    ("16 bits, with a counter", counted, "PNG", {}, 1),
]:
    seen = read_back(images, file_format, **options)
    equal = sum(np.array_equal(one, other) for one, other in zip(images, seen, strict=False))
    print(f"{name} - expected: 4 frames, 4 as written - seen: {len(seen)}, {equal} as written")
    assert equal == right and len(seen) == (1 if name == "16 bits, with a duration" else 4)
PYTHON
