#!/usr/bin/env bash
# split-folders 0.6.1: with group="sibling", only one of 1.jpg and 1.png in a folder is in the output.
#
# The files of a folder are put into a dictionary by their names without the ending, so of two with the same one the last is kept, in the
# order of the file system: beside 1.jpg, a note 1.txt may take the place of the photo. Nothing is logged, and the progress bar counts what
# is left. group="stem" and group_prefix end in an error for such files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet split-folders==0.6.1 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import splitfolders

print("split-folders", version("split-folders"))
for name, twice in [("each name once", False), ("ten names twice", True)]:
    source, output = Path(name, "data"), Path(name, "split")
    for kind, endings in [("photos", [".jpg", ".png"] if twice else [".jpg"]), ("masks", [".png"])]:
        (source / kind).mkdir(parents=True)
        for number in range(50):
            for ending in endings if number < 10 else endings[:1]:
                (source / kind / f"{number}{ending}").write_text(f"{kind} {number}{ending}")
    splitfolders.ratio(source, output=output, ratio=(0.6, 0.2, 0.2), group="sibling")
    expected = {path.name for path in (source / "photos").iterdir()}
    seen = {path.name for path in output.glob("*/photos/*")}
    print(f"{name} - expected: {len(expected)} photos in train, val and test - seen: {len(seen)}, without an error")
    assert len(expected) - len(seen) == (10 if twice else 0)
try:
    splitfolders.ratio("ten names twice/data", output="by stem", ratio=(0.6, 0.2, 0.2), group="stem")
except ValueError as error:
    print("group='stem', for comparison:", str(error)[:60])
else:
    raise AssertionError
PYTHON
