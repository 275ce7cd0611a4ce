#!/usr/bin/env bash
# pyarrow 26.0.1: unique() and value_counts() of the type string_view return a missing label as an empty text, beside the empty one.
#
# string_view is the type of texts in a table that Polars hands over. Of labels with a gap, unique() returns an empty text that counts as
# valid, so that photos without a label seem to have one, and drop_null() drops none. If an empty text is among the labels, it is there
# twice, with two counts. Of string and large_string the gap stays one; binary_view is like string_view. Known from issue 39635 (open
# since January 2024), on unique().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import pyarrow as pa
import pyarrow.compute as pc

print("pyarrow", pa.__version__)
expected = ["cat", None, "dog", ""]
for dtype in (pa.string(), pa.large_string(), pa.string_view(), pa.binary_view()):
    labels = pa.array(["cat", None, "dog", "", "cat", None], pa.string()).cast(dtype)
    assert labels.null_count == 2
    seen = pc.unique(labels)
    counted = [(item["values"], item["counts"]) for item in pc.value_counts(labels).to_pylist()]
    missing = seen.null_count
    print(f"{dtype} - expected: {expected}, one missing - seen: {seen.to_pylist()}, {missing} missing, counts: {counted}")
    is_view = dtype in (pa.string_view(), pa.binary_view())
    assert missing == (not is_view) and [count for _, count in counted] == [2, 2, 1, 1]
    assert len(pc.drop_null(seen)) == (4 if is_view else 3)
    if is_view:
        empty = "" if dtype == pa.string_view() else b""
        assert seen.to_pylist().count(empty) == 2 and counted[1] == (empty, 2)
PYTHON
