#!/usr/bin/env bash
# pandas 3.1.1: if one row has no group, groupby().cummin() of dates is missing from the first gap on, cumsum() -292,000 years.
#
# As soon as a row is left out for a missing key, whole numbers are converted to float64, and so are the whole numbers that dates and times
# are stored as. A missing one, the smallest whole number, then counts as a date long ago: cummin() returns no date after it, cummax() fills
# it in, and cumsum() of durations adds it. It makes no difference in which row the key is missing. Without a missing key, or with
# dropna=False, the results are those of each group by itself. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import pandas as pd

print("pandas", pd.__version__)
dates = pd.Series(pd.to_datetime(["2026-05-03", None, "2026-05-02", "2026-05-04", "2026-05-01"]))
durations = dates - pd.Timestamp("2026-05-01")
for last in ("dog", None):
    animals = pd.Series(["cat", "cat", "cat", "cat", last])
    for name, values, method in (("dates", dates, "cummin"), ("dates", dates, "cummax"), ("durations", durations, "cumsum")):
        expected = getattr(values[:4], method)()
        seen = getattr(values.groupby(animals), method)()[:4]
        print(f"{method} of {name} of cats, the last row's animal is {last}", end=" - ")
        print(f"expected: {', '.join(map(str, expected))} - seen: {', '.join(map(str, seen))}")
        assert seen.equals(expected) == (last is not None)
    assert getattr(dates.groupby(animals, dropna=False), "cummin")()[:4].equals(dates[:4].cummin())
missing = dates.groupby(["cat", "cat", "cat", "cat", None]).cummin()
assert missing[1:].isna().all() and dates[:4].cummin().isna().sum() == 1
PYTHON
