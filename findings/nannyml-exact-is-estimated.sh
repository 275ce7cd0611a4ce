#!/usr/bin/env bash
# NannyML 0.13.1: half of the values have never been as large, and the Kolmogorov-Smirnov statistic is 0.00005 instead of 0.5, even an exact one.
#
# For references of 10,000 rows or more, the statistic is estimated from bins. The documentation says that they are "quantile-based", but they
# are of equal width, so with one outlier, all other values are in the first bin, and no drift is seen. It also says that computation_params
# such as {"kolmogorov_smirnov": {"calculation_method": "exact"}} changes that, and the number of bins. The method reads "calculation_method"
# beside the name of the method instead of below it, so no setting that is written as documented has an effect.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nannyml==0.13.1 statsmodels==0.15.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
NML_DISABLE_USAGE_LOGGING=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import nannyml
import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

print("NannyML", nannyml.__version__)
random = np.random.default_rng(0)
seconds = random.uniform(0, 1, 20_000)
later = random.uniform(0.5, 1.5, 5000)


def statistic(reference, method=None):
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=["seconds"],
        continuous_methods=["kolmogorov_smirnov"],
        chunk_size=5000,
        computation_params={"kolmogorov_smirnov": {"calculation_method": method, "n_bins": 100}} if method else None,
    )
    results = calculator.fit(pd.DataFrame({"seconds": reference})).calculate(pd.DataFrame({"seconds": later}))
    return results.filter(period="analysis").to_df()[("seconds", "kolmogorov_smirnov", "value")].item()


outlier = np.append(seconds[1:], 1e6)
for name, reference in [("without an outlier", seconds), ("9,999 rows with one", outlier[-9999:]), ("20,000 rows with one", outlier)]:
    expected = ks_2samp(reference, later).statistic
    seen = {method: round(statistic(reference, method), 5) for method in (None, "exact", "estimated")}
    print(f"{name} - expected: {expected:.3f} - seen: {seen}")
    assert len(set(seen.values())) == 1  # with 100 bins, an estimate differs
    assert seen["exact"] < 0.001 if name == "20,000 rows with one" else abs(seen["exact"] - expected) < 0.001
PYTHON
