#!/usr/bin/env bash
# syrupy 7.0.2: a test of an array in a dictionary still passes when 9,000 of its 10,000 numbers are others.
#
# A snapshot holds what NumPy prints of an array, and NumPy prints the first and the last three of each axis, and "..." for the others,
# of more than 1,000 numbers; in eight digits. So a test of a model's outputs or of a photo's pixels passes, whatever they become. The
# same of tables, of which pandas prints 60 rows. The documentation says that repr() of an object is used, "a sensible default", and
# nothing of abbreviations. No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet syrupy==7.0.2 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
cat >test_outputs.py <<'PYTHON'
import os

import numpy as np
import pandas as pd

photo = np.zeros((100, 100), np.uint8)
if "CHANGED" in os.environ:
    photo[3:-3, 3:-3] = 255  # white, but for a margin of three pixels


def test_photo(snapshot):
    assert {"photo": photo} == snapshot


def test_table(snapshot):
    assert {"table": pd.DataFrame({"pixel": photo.ravel()})} == snapshot


def test_list(snapshot):
    assert {"photo": photo.tolist()} == snapshot
PYTHON
"$folder/venv/bin/python" - <<'PYTHON'
import os
import subprocess
import sys
from importlib.metadata import version

print("syrupy", version("syrupy"))
pytest = [sys.executable, "-m", "pytest", "-q", "-rpf", "-p", "no:cacheprovider", "test_outputs.py"]
subprocess.run([*pytest, "--snapshot-update"], check=True, capture_output=True)
subprocess.run(pytest, check=True, capture_output=True)
result = subprocess.run(pytest, env={**os.environ, "CHANGED": "1"}, capture_output=True, text=True)
seen = {name: f"PASSED test_outputs.py::{name}" in result.stdout for name in ("test_photo", "test_table", "test_list")}
print("a black photo became white, but for a margin - expected: no test passes - seen:", seen)
assert seen == {"test_photo": True, "test_table": True, "test_list": False} and result.returncode == 1
PYTHON
