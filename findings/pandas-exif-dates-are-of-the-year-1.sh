#!/usr/bin/env bash
# pandas 3.1.1: the date of a photo, as EXIF has it, is a time on the first day of the year 1.
#
# EXIF writes 2023:05:01 10:20:30. dateutil, which pandas asks where it does not know a format, takes a colon for that of a time: 2023:05:01
# is hours, minutes and seconds until the next time overwrites them. So only the time of day is left; dateutil adds today's date to it,
# pandas January 1st of the year 1. A Timestamp, astype() of a Series and a comparison with such a text do so without a warning: no photo
# is between two dates, and all are after one. to_datetime() and read_csv(parse_dates=...) of several warn that they ask dateutil, and
# compute the same. A date without a time is refused. dateutil's issues 271 (open) and 1062 (closed) describe its part of it. The
# documentation of pandas does not name a text that is read in part.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6 python-dateutil==4.0.0 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import datetime

import pandas as pd

print("pandas", pd.__version__)
taken = ["2022:06:01 08:00:00", "2023:05:01 10:20:30", "2024:01:01 12:00:00"]
right = [datetime.datetime.strptime(text, "%Y:%m:%d %H:%M:%S") for text in taken]
wrong = [moment.replace(year=1, month=1, day=1) for moment in right]
photos = pd.DataFrame({"taken": pd.to_datetime(taken, format="%Y:%m:%d %H:%M:%S")})
assert photos["taken"].tolist() == right
for name, expected, seen, actual in [
    ("Timestamp", right[1], pd.Timestamp(taken[1]), wrong[1]),
    ("astype", right, pd.Series(taken).astype("datetime64[us]").tolist(), wrong),
    ("photos of 2023", [False, True, False], photos["taken"].between("2023:01:01 00:00:00", "2023:12:31 23:59:59").tolist(), [False] * 3),
    ("photos after 2023", [False, False, True], (photos["taken"] > "2023:12:31 23:59:59").tolist(), [True] * 3),
]:
    show = str if isinstance(seen, pd.Timestamp) else lambda values: [str(value) for value in values]
    print(f"{name} - expected: {show(expected)} - seen: {show(seen)}")
    assert seen == actual
PYTHON
