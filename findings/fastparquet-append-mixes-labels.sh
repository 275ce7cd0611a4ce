#!/usr/bin/env bash
# fastparquet 2026.9.0: labels that are appended to a Parquet file change those before: a dog becomes an emu.
#
# A column of categories is stored as codes, and each part of the file has a list of its categories of its own. fastparquet reads the
# codes of all parts by one of the lists, without a check. So once a part with other labels was appended, what was right when it was
# written is read as another label. pyarrow reads the same file rightly, and the same labels as text are right. The documentation asks
# for parts of the same schema, which these have. Issue 949 (open) describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fastparquet==2026.9.0 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import fastparquet
import pandas as pd


def append(parts):
    for number, part in enumerate(parts):
        fastparquet.write("photos.parquet", pd.DataFrame({"label": part}), append=number > 0)
    return pd.read_parquet("photos.parquet", engine="fastparquet")["label"].tolist()


print("fastparquet", fastparquet.__version__)
parts = [["cat", "dog"], ["owl", "cat", "emu"]]
expected = [label for part in parts for label in part]
as_text, as_categories = append(parts), append(map(pd.Categorical, parts))
by_pyarrow = pd.read_parquet("photos.parquet", engine="pyarrow")["label"].tolist()
print(f"expected: {expected} - seen: {as_categories}, of text: {as_text}, by pyarrow: {by_pyarrow}")
assert as_text == by_pyarrow == expected
assert as_categories == ["cat", "emu", "owl", "cat", "emu"]
PYTHON
