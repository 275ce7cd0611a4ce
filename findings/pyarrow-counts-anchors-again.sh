#!/usr/bin/env bash
# pyarrow 26.0.1: a pattern that is anchored to the beginning is counted and split at again behind each match, in pandas' str.count, too.
#
# count_substring_regex and split_pattern_regex cut off the text up to the end of a match and search the rest, whose beginning then counts
# as the beginning of the text: "^0" is found three times in "000123.jpg", and "^[a-z]" in every letter of the first word. A word boundary
# counts likewise: "\bcat" is found twice in "catcat". "\B" is missed instead. replace_substring_regex and find_substring_regex are right,
# and so is pandas with strings that Python stores; with pyarrow installed, text columns are pyarrow's by default. The documentation says
# that the occurrences of the pattern are counted, by RE2, whose own search of the whole text finds one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

print("pyarrow", pa.__version__, "pandas", pd.__version__)
for text, pattern in (("000123.jpg", "^0"), ("photo of a cat", "^[a-z]"), ("catcat", r"\bcat"), ("aaab", r"\Ba")):
    expected = len(re.findall(pattern, text))
    seen = pc.count_substring_regex(pa.array([text]), pattern)[0].as_py()
    replaced = pc.replace_substring_regex(pa.array([text]), pattern, "#")[0].as_py().count("#")
    by_python, by_default = (pd.Series([text], dtype=dtype).str.count(pattern)[0] for dtype in (pd.StringDtype("python"), "str"))
    print(f"{pattern} in {text} - expected: {expected} - seen: {seen}, by pandas {by_default}, replaced {replaced}")
    assert by_python == replaced == expected != seen == by_default
for text, pattern in (("000123.jpg", "^0"), ("catcat", r"\bcat")):
    expected = re.split(pattern, text)
    seen = pc.split_pattern_regex(pa.array([text]), pattern)[0].as_py()
    print(f"{text} split at {pattern} - expected: {expected} - seen: {seen}")
    assert len(expected) == 2 < len(seen)
PYTHON
