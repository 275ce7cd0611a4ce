#!/usr/bin/env bash
# mlxtend 0.25.0: minmax_scaling(min_val=-1, max_val=1) and (min_val=0, max_val=255) return values of 0 to 1.
#
# The second step, from 0 to 1 to the range that was asked for, is taken only if both of its ends differ from the defaults. So a range
# that begins at 0 or ends at 1 is ignored without a word, and these are the usual ones: -1 to 1 for networks, 0 to 255 for pixels.
# Only a range such as 1 to 255 is kept. The documentation calls the parameters the minimum and the maximum after rescaling. No issue
# of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlxtend==0.25.0 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import mlxtend
import numpy as np
import pandas as pd
from mlxtend.preprocessing import minmax_scaling

print("mlxtend", mlxtend.__version__)
features = np.array([[3.0], [5.0], [11.0]])
for table in (features, pd.DataFrame(features, columns=["sharpness"])):
    column = 0 if table is features else "sharpness"
    for low, high in [(0, 1), (1, 255), (-1, 1), (0, 255), (-1, 0.5)]:
        expected = ((features - 3) / 8 * (high - low) + low).ravel()
        seen = np.asarray(minmax_scaling(table, columns=[column], min_val=low, max_val=high)).ravel()
        print(f"{type(table).__name__}, {low} to {high} - expected: {expected} - seen: {seen}")
        assert np.allclose(seen, [0, 0.25, 1] if (low, high) in [(-1, 1), (0, 255)] else expected)
PYTHON
