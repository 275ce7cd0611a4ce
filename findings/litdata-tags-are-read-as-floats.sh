#!/usr/bin/env bash
# LitData 0.2.76: if the first photo has no tags, the tags of all others are read as numbers near zero.
#
# A one-dimensional array or tensor is stored without its type: the type of the first sample's is written into the index, and later
# samples are stored as they are, without a check. An empty array is float64 and an empty tensor float32 by default, so the bytes of all
# later int64 tags are read as floats: 1 and 2 are 5e-324 and 1e-323. Numbers of 1 byte make an array of eight times the length. With
# another first photo, all is right. The documentation names arrays and tensors as supported, and nothing of equal types. No issue of
# the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet litdata==0.2.76 torch==2.13.0 numpy==2.4.6 2>/dev/null
cd "$folder"
cat > photos.py <<'PYTHON'
import shutil
import sys

import litdata
import numpy as np
import torch

photos = {
    "arrays, first tags [3]": [np.array([3]), np.array([1, 2])],
    "arrays, first tags []": [np.array([]), np.array([1, 2])],
    "tensors, first tags [3]": [torch.tensor([3]), torch.tensor([1, 2])],
    "tensors, first tags []": [torch.tensor([]), torch.tensor([1, 2])],
    "first tags of 1 byte": [np.array([3], np.uint8), np.array([1, 300])],
}


def read(index):
    return {"index": index, "tags": photos[sys.argv[1]][index]}


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(*photos, sep="\n")
        raise SystemExit
    shutil.rmtree("data", ignore_errors=True)
    litdata.optimize(read, list(range(2)), output_dir="data", chunk_size=100, num_workers=1, verbose=False)
    stored = {int(photo["index"]): photo["tags"] for photo in litdata.StreamingDataset("data", shuffle=False)}
    expected, seen = photos[sys.argv[1]][1].tolist(), stored[1].tolist()
    print(f"{sys.argv[1]}, tags of the second photo - expected: {expected} - seen: {seen}")
    right = sys.argv[1].endswith("[3]")
    assert (seen == expected) == right and (right or max(seen) < 1e-40 or len(seen) == 16)
PYTHON
export OMP_NUM_THREADS=1
"$folder/venv/bin/python" -c 'import importlib.metadata; print("LitData", importlib.metadata.version("litdata"))'
"$folder/venv/bin/python" -W ignore photos.py 2>/dev/null | while IFS= read -r name; do
  "$folder/venv/bin/python" -W ignore photos.py "$name" 2>"$folder/errors" </dev/null | grep expected || { cat "$folder/errors"; exit 1; }
done
