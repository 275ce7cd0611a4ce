#!/usr/bin/env bash
# mlxtend 0.25.0: a single photo is not divided by the standard deviations given to standardize(), nor are those after it.
#
# params are the means and standard deviations of the training set, to be used "instead of computing them from the current array". A
# column that is constant in the current array gets a standard deviation of 1 all the same, and each column of a single photo is
# constant. The 1 is written into the caller's params, so all later photos are scaled wrongly, too, also in batches in which nothing is
# constant. The same happens if a batch has, for example, only black corners. No issue of the project describes it; near to it are
# issue 1058 and pull request 1163, of columns that are constant in the training set.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlxtend==0.25.0 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import mlxtend
import numpy as np
from mlxtend.preprocessing import standardize

print("mlxtend", mlxtend.__version__)
random = np.random.default_rng(0)
train, test = random.normal(100, 20, (1000, 3)), random.normal(100, 20, (8, 3))
expected = (test - train.mean(0)) / train.std(0)
_, params = standardize(train, return_params=True)


def check(name, photos, right):
    seen = standardize(test[photos], params=params)
    print(f"{name}, first photo - expected: {expected[0].round(2)} - seen: {seen[0].round(2)}", end="")
    print(f" - standard deviations: {params['stds'].round(2)}")
    assert np.allclose(seen, expected[photos] if right else expected[photos] * train.std(0))


check("all photos at once", slice(None), True)
check("one photo", slice(1), False)
check("all photos at once, again", slice(None), False)
PYTHON
