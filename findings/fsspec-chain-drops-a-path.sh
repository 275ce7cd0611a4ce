#!/usr/bin/env bash
# fsspec 2026.9.0: of two existing folders joined by "::" the second is dropped without an error.
#
# "::" chains URLs, each of which lies within the next, as in zip://photo.jpg::photos.zip. A path without a protocol that
# comes first is taken as a local one, whatever follows: nothing says that no folder can lie within another that way, and
# that what was asked for is read only in part. A second link with a protocol fsspec does not know raises ValueError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fsspec==2026.9.0 2>/dev/null
cd "$folder"
mkdir cats-1 cats-2
touch cats-1/1.jpg cats-2/2.jpg
"$folder/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import fsspec

print("fsspec", fsspec.__version__)
filesystem, path = fsspec.core.url_to_fs("cats-1::cats-2")
listed = [Path(name).name for name in filesystem.find(path)]
print("expected of cats-1::cats-2: an error, or the files of both folders")
print("seen:", type(filesystem).__name__, "of", Path(path).name, "with", listed)
assert Path(path).name == "cats-1"
assert listed == ["1.jpg"]
try:
    fsspec.core.url_to_fs("cats-1::nonesuch://cats-2")
except ValueError as error:
    print("seen of cats-1::nonesuch://cats-2: ValueError:", error)
else:
    raise AssertionError("no ValueError")
PYTHON
