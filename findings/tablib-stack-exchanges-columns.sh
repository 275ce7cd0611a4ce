#!/usr/bin/env bash
# tablib 3.10.0: stack() of two tables with the same columns in another order puts the labels of the second among the photos.
#
# Rows are appended as they are, under the headers of the first table, whatever those of the second are called. The documentation says:
# "Stack two Dataset instances together by joining at the row level". stack_cols(), beside it, checks that both have headers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tablib==3.10.0 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import tablib

print("tablib", tablib.__version__)
first = tablib.Dataset().load("photo,label,score\n1.jpg,cat,0.9\n", format="csv")
same_order = tablib.Dataset().load("photo,label,score\n2.jpg,dog,0.8\n", format="csv")
other_order = tablib.Dataset().load("label,score,photo\ndog,0.8,2.jpg\n", format="csv")
expected = ["1.jpg", "2.jpg"]
for second in (same_order, other_order):
    seen = first.stack(second)
    print(f"{second.headers} - expected: photos {expected}, labels ['cat', 'dog']", end=" - ")
    print(f"seen: photos {seen['photo']}, labels {seen['label']}, scores {seen['score']}")
    assert (seen["photo"] == expected) == (second is same_order)
    assert same_order.dict == other_order.dict  # the two are equal, read by their headers
assert first.stack(other_order).dict[1] == {"photo": "dog", "label": "0.8", "score": "2.jpg"}
PYTHON
