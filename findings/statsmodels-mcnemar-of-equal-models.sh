#!/usr/bin/env bash
# statsmodels 0.15.0: two models that agree on every photo differ significantly, with a p value of 0, by mcnemar(exact=False).
#
# The continuity correction takes 1 from the difference between the two counts of disagreement, also from a difference of 0: for 0 and 0
# the statistic is 1 / 0, and for 3 and 3 it is 0.17 instead of 0, with a p value of 0.68. R's mcnemar.test corrects only a difference
# that is not 0. exact=True, the default, returns 1 for both; the documentation asks for exact=False where counts are large. No issue of
# the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar

print("statsmodels", statsmodels.__version__)
for first_alone, second_alone in [(0, 0), (3, 3), (40, 40), (10, 30)]:
    table = [[100, first_alone], [second_alone, 20]]  # both right, one right, none right
    exact, seen = mcnemar(table, exact=True).pvalue, mcnemar(table, exact=False)
    print(f"{first_alone} and {second_alone} - expected: p = {exact:.3f}, as by the exact test", end=" - ")
    print(f"seen: p = {seen.pvalue:.3f}, statistic = {seen.statistic:.3f}")
    if first_alone == second_alone:
        assert exact == 1 and seen.pvalue < 0.92 and seen.statistic > 0
    else:
        assert abs(exact - seen.pvalue) < 0.002
    assert (seen.pvalue == 0) == (first_alone == 0)
PYTHON
