#!/usr/bin/env bash
# fsspec 2026.9.0: rm() of a file whose name has brackets removes another file, and keeps that one.
#
# rm("photo[1].jpg") is expanded as a pattern even if a file has exactly that name; [1] matches a 1, so photo1.jpg goes. The
# documentation of rm() calls its argument "Files or directories to delete" and speaks of no patterns. cat() returns a dictionary
# with the wrong file. So does every file system that inherits these methods, such as that of buckets; the local one has an rm() of
# its own, which is right. rm_file() and cat_file() take names as they are. Near to it: fsspec issue 838 (open: a file with
# brackets is not found).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fsspec==2026.9.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import fsspec

NAMES = ["photo1.jpg", "photo[1].jpg"]


def left_after_rm(files, folder):
    """Return the names that are left of two files after the one with brackets was removed."""
    files.makedirs(folder)
    for name in NAMES:
        files.pipe_file(f"{folder}/{name}", name.encode())
    files.rm(f"{folder}/photo[1].jpg")
    return [Path(path).name for path in files.ls(folder, detail=False)]


print("fsspec", fsspec.__version__)
memory, local = fsspec.filesystem("memory"), fsspec.filesystem("file")
print("expected: after rm of photo[1].jpg, photo1.jpg is left, as of local files:", left_after_rm(local, str(Path("photos").resolve())))
left = left_after_rm(memory, "/photos")
print("seen in memory:", left)
assert left == ["photo[1].jpg"]
assert [path.name for path in Path("photos").iterdir()] == ["photo1.jpg"]

memory.pipe_file("/photos/photo1.jpg", b"photo1.jpg")
content = memory.cat("/photos/photo[1].jpg")
print("expected: cat of photo[1].jpg is what is in it, as of cat_file:", memory.cat_file("/photos/photo[1].jpg"))
print("seen:", content)
assert memory.cat_file("/photos/photo[1].jpg") == b"photo[1].jpg"
assert content == {"/photos/photo1.jpg": b"photo1.jpg"}
PYTHON
