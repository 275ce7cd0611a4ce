#!/usr/bin/env bash
# WebDataset 1.0.2: after mcached(), each epoch augments photos that the one before augmented: in the third, +10 is +30.
#
# The stage keeps the samples that pass through it, and hands out the same dictionaries. A function of map() that changes its sample in
# place changes the cache with it. After lmdb_cached(), samples are written when a block of 500 is full, as the
# stages behind it left them: what is read in all later epochs was augmented once before. Without a cache each epoch has the photos of
# the shards. The documentation says that the stage caches the samples that pass through it. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet webdataset==1.0.2 lmdb==3.0.0 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata

import numpy as np
import webdataset

print("WebDataset", importlib.metadata.version("webdataset"))
with webdataset.TarWriter("photos.tar") as writer:
    for index in range(4):
        writer.write({"__key__": f"photo{index}", "npy": np.full((8, 8, 3), 50 + index, np.uint8)})


def brighten(sample):
    sample["npy"] = sample["npy"] + 10
    return sample


def photos():
    return webdataset.WebDataset("photos.tar", shardshuffle=False).decode()


for name, dataset, seen in [
    ("no cache", photos(), [60, 60, 60]),
    ("mcached", photos().mcached(), [60, 70, 80]),
    ("lmdb_cached", photos().lmdb_cached("lmdb", 1e7), [60, 70, 70]),
]:
    brightened = dataset.map(brighten)
    epochs = [[int(sample["npy"][0, 0, 0]) for sample in brightened] for _ in range(3)]
    print(f"{name}, first photo in three epochs - expected: {[60] * 3} - seen: {[epoch[0] for epoch in epochs]}")
    assert epochs == [[first + index for index in range(4)] for first in seen]
PYTHON
