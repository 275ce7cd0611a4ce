#!/usr/bin/env bash
# fsspec 2026.9.0: walk(on_error="raise") raises for the folder that it is given, and for no folder below it.
#
# The recursion does not hand `on_error` on, so a sub-folder that cannot be listed is left out without a word, with a
# callable too. `os.walk(onerror=...)` reports each of them. A copy of a tree is then incomplete and looks complete.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fsspec==2026.9.0 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import os
import shutil

import fsspec


def walked(walk):
    """Walk a tree whose sub-folder is removed, as by another program, once its name is known."""
    os.makedirs("photos/cats")
    for folder, _, _ in walk:
        shutil.rmtree("photos/cats", ignore_errors=True)
        print(f"    {os.path.basename(folder)}")


def report(error):
    reported.append(type(error).__name__)
    print(f"    reported: {reported[-1]}")


files = fsspec.filesystem("file")
print("fsspec", fsspec.__version__)
print("expected, and seen of os.walk: the sub-folder that is gone is reported")
reported = []
walked(os.walk("photos", onerror=report))
assert reported == ["FileNotFoundError"]
for on_error in ("raise", report):
    shutil.rmtree("photos")
    reported = []
    print(f"seen of walk(on_error={getattr(on_error, '__name__', repr(on_error))}): nothing is")
    walked(files.walk("photos", on_error=on_error))
    assert not reported
shutil.rmtree("photos")
try:
    list(files.walk("photos", on_error="raise"))
except FileNotFoundError:
    print("seen if the folder itself is gone: FileNotFoundError")
else:
    raise SystemExit("a missing folder raises no more")
PYTHON
