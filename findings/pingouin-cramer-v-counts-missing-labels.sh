#!/usr/bin/env bash
# Pingouin 0.6.1: Cramér's V of labels and predictions is 0.4 instead of 0.8, if three quarters of the photos have no label.
#
# chi2_independence() leaves rows with a missing value out of the table and out of chi squared, but divides chi squared by the number of
# all rows. The power that it returns is of that number, too. Without these rows, V is right. The documentation names no missing values;
# chi2_mcnemar(), beside it, refuses them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pingouin==0.6.1 pandas==2.3.3 scipy==1.17.1 numpy==2.2.6 2>/dev/null
"$folder/venv/bin/python" -W error::UserWarning - <<'PYTHON'
import pandas as pd
import pingouin
from scipy.stats.contingency import association

print("Pingouin", pingouin.__version__)
for unlabelled in (0, 100, 300):
    right, wrong = ["cat", "dog"] * 45, ["cat", "dog"] * 5
    photos = pd.DataFrame({"label": right + wrong, "predicted": right + wrong[::-1]})
    photos = pd.concat([photos, pd.DataFrame({"predicted": ["cat", "dog"] * (unlabelled // 2)})])
    expected = association(pd.crosstab(photos["label"], photos["predicted"]).to_numpy(), method="cramer")
    _, observed, tests = pingouin.chi2_independence(photos, "label", "predicted", correction=False)
    seen = tests.set_index("test").at["pearson", "cramer"]
    print(f"100 labels and {unlabelled} missing, table {observed.to_numpy().tolist()} - expected: {expected:.3f} - seen: {seen:.3f}")
    assert abs(expected - 0.8) < 1e-9
    assert abs(seen - 0.8 * (100 / (100 + unlabelled)) ** 0.5) < 1e-9
PYTHON
