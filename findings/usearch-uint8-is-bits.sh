#!/usr/bin/env bash
# USearch 2.26.6: of uint8 vectors, also in an index of dtype="u8", it takes the bits of the first eighth for the numbers.
#
# Of 64 pixels the first 8 bytes are read as 64 bits, and the other 56 pixels are never looked at: photos that differ in them are at a
# distance of 0, and the nearest photo is another one than by NumPy. A query of uint8 in an index of floats is taken so, too. Nothing
# warns. The same numbers as float32 or float16 are right, and int16 is refused. The README lists "u8" among the types to store, which are
# converted automatically, and bits under another name, "b1". Issue 595 (open) describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet usearch==2.26.6 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import usearch
from usearch.index import Index

print("USearch", usearch.__version__)
photos = np.random.default_rng(0).integers(0, 256, (200, 64), np.uint8)
photos[1], photos[1, 8:] = photos[0], 255 - photos[0, 8:]  # the negative of the first, but for the first 8 pixels


def second_nearest(dtype, stored, query):
    index = Index(ndim=64, metric="l2sq", dtype=dtype)
    index.add(np.arange(200), photos.astype(stored))
    matches = index.search(photos[0].astype(query), 2)
    return int(matches.keys.max()), float(matches.distances[1]), np.asarray(index.get(0)).ravel()[:6].tolist()


distances = ((photos.astype(float) - photos[0]) ** 2).sum(axis=1)
nearest = int(np.argsort(distances)[1])
for dtype, stored in (("u8", np.uint8), ("f32", np.uint8), ("f32", np.float32), ("f32", np.float16)):
    key, distance, pixels = second_nearest(dtype, stored, stored)
    print(f'{stored.__name__}, dtype="{dtype}" - expected: photo {nearest} at {distances[nearest]:.0f}', end=", ")
    print(f"pixels of {photos[0, :6].tolist()} - seen: photo {key} at {distance:.0f}, pixels of {pixels}")
    assert (key, distance) == ((1, 0) if stored is np.uint8 else (nearest, distances[nearest]))
    assert pixels == (np.unpackbits(photos[0, :1])[:6].tolist() if stored is np.uint8 else photos[0, :6].tolist())
assert second_nearest("f32", np.float32, np.uint8)[0] != nearest
try:
    second_nearest("f32", np.int16, np.int16)
except ValueError as error:
    print("int16 is refused:", error)
else:
    raise AssertionError
PYTHON
