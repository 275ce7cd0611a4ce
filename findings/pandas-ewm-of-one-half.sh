#!/usr/bin/env bash
# pandas 3.1.1: ewm(span=3, adjust=False).mean() of a curve with a gap is far from that of span=3.000001.
#
# After a missing value, the weights of the mean before and of the new value are (1-alpha)**2 and alpha, by the documentation. If alpha
# is exactly one half, as span=3, com=1, halflife=1 or alpha=0.5 ask for, the new value gets all that the old one lost instead: after
# one gap 0.75 of the sum instead of 0.67, after two 0.875 instead of 0.8. Near that alpha, in any other, with adjust=True and in
# pandas 2.3.3, the documented weights are used. Known from issue 66523 (open) and pull request 66521 (closed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import pandas as pd

print("pandas", pd.__version__)
losses = [3.0, np.nan, 1.0]  # the second epoch was not evaluated
for arguments in ({"span": 3}, {"span": 3.000001}, {"com": 1}, {"alpha": 0.5}, {"alpha": 0.4999}, {"halflife": 1}, {"span": 5}):
    alpha = {"span": lambda span: 2 / (span + 1), "com": lambda com: 1 / (com + 1), "alpha": float, "halflife": lambda half: 1 - 0.5 ** (1 / half)}
    (name, value), = arguments.items()
    new = alpha[name](value)
    for adjust in (False, True):
        weights = [(1 - new) ** 2, 1 if adjust else new]
        expected = np.average([3, 1], weights=weights)
        seen = pd.Series(losses).ewm(**arguments, adjust=adjust).mean().iloc[-1]
        print(f"{name}={value}, adjust={adjust} - expected: {expected:.5f} - seen: {seen:.5f}")
        assert np.isclose(seen, 1.5 if new == 0.5 and not adjust else expected)
PYTHON
