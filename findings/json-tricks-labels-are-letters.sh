#!/usr/bin/env bash
# json-tricks 3.17.3: labels that are saved in the compact format come back as the letters b, 6, 4 and so on.
#
# properties={"ndarray_compact": True} stores the bytes of an array. Those of an array of objects, as pandas makes one of labels, are the
# addresses of the objects in memory, and the file says no more of the labels. The text it begins with, "b64:", is then taken for the
# list of objects when it is read, so the first label is b, the second 6. An array in big-endian byte order is also stored as it is, and
# read as little-endian: 1 is 256. Without the property both are right, and other arrays are right with it. A warning says that compact
# will be the default where a file is compressed. The README names no limit of it. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet json-tricks==3.17.3 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import json_tricks
import numpy as np

print("json-tricks", version("json-tricks"))
for values, seen in [
    (np.array(["cat", "dog", "emu"]), ["cat", "dog", "emu"]),
    (np.array(["cat", "dog", "emu"], dtype=object), ["b", "6", "4"]),
    (np.array([1, 300], dtype="<i2"), [1, 300]),
    (np.array([1, 300], dtype=">i2"), [256, 11265]),
]:
    plain = json_tricks.loads(json_tricks.dumps(values)).tolist()
    compact = json_tricks.loads(json_tricks.dumps(values, properties={"ndarray_compact": True})).tolist()
    print(f"{values.dtype} - expected: {values.tolist()} - seen: {compact} - without the property: {plain}")
    assert plain == values.tolist() and compact == seen
PYTHON
