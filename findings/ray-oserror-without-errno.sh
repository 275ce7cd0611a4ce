#!/usr/bin/env bash
# Ray 2.60.0: an OSError of a task arrives without its errno, filename and strerror.
#
# `ray.get` raises an error that is an instance of the task's own class, so `except FileNotFoundError as error` catches
# it. But it is made without the attributes: all three are None, and code that asks `error.errno == ENOSPC` or names
# `error.filename` goes wrong without a word. The error in `.cause` has them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ray==2.60.0
cat > "$folder/example.py" <<'PYTHON'
import errno

import ray


@ray.remote
def read():
    raise FileNotFoundError(errno.ENOENT, "No such file or directory", "photo.jpg")


def attributes(error):
    return error.errno, error.strerror, error.filename


ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
try:
    ray.get(read.remote())
except FileNotFoundError as error:
    caught = error
print("Ray", ray.__version__)
print("expected: errno, strerror and filename as the task raised them")
print("of the error: ", attributes(caught))
print("of its cause: ", attributes(caught.cause))
assert attributes(caught) == (None, None, None)
assert attributes(caught.cause) == (2, "No such file or directory", "photo.jpg")
print("seen: all three are None on what `except FileNotFoundError` catches")
PYTHON
RAY_USAGE_STATS_ENABLED=0 "$folder/venv/bin/python" "$folder/example.py"
