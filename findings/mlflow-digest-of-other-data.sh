#!/usr/bin/env bash
# MLflow 3.17.2: datasets of different photos have the same digest.
#
# By the documentation, the digest of a dataset is a "unique hash/fingerprint" that is computed automatically. Of an array it is computed
# from the first 10,000 numbers, which are three photos of 32 by 32 pixels, and from the shape; of a table from the first 10,000 rows,
# and from columns of numbers or of text without a gap: labels of which one is missing, flags and dates are left out. So runs on other
# data are recorded as runs on the same. Issues 11560 (open) and 22275 (closed) describe parts of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import mlflow
import numpy as np
import pandas as pd


def digest(data):
    if isinstance(data, dict):
        return mlflow.data.from_pandas(pd.DataFrame(data)).digest
    return mlflow.data.from_numpy(data).digest


print("MLflow", mlflow.__version__)
random = np.random.default_rng(0)
photos, new = random.integers(0, 256, (2, 1000, 32, 32, 3), np.uint8)
names = [f"{index}.jpg" for index in range(20_000)]
labels, flags = ["cat", "dog"] * 10_000, [True, False] * 10_000
for name, data, other, alike in [
    ("photos, the first replaced", photos, np.concatenate([new[:1], photos[1:]]), False),
    ("photos, all but four replaced", photos, np.concatenate([photos[:4], new[4:]]), True),
    ("labels, all exchanged", {"name": names, "label": labels}, {"name": names, "label": labels[::-1]}, False),
    ("labels, the second half exchanged", {"label": labels}, {"label": labels[:10_000] + labels[:9_999:-1]}, True),
    ("labels, all exchanged, one missing", {"label": [*labels, None]}, {"label": [*labels[::-1], None]}, True),
    ("flags, all inverted", {"name": names, "blurred": flags}, {"name": names, "blurred": flags[::-1]}, True),
]:
    seen = digest(data), digest(other)
    print(f"{name} - expected: two digests - seen: {seen[0]} and {seen[1]}")
    assert (seen[0] == seen[1]) == alike
PYTHON
