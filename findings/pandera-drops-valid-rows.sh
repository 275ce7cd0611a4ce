#!/usr/bin/env bash
# pandera 0.35.0: drop_invalid_rows also drops each valid row that shares its index with an invalid one, as after pd.concat.
#
# Tables that were joined by pd.concat have each number of the index several times. drop_invalid_rows drops all rows with the index of an
# invalid one, whatever is in them. The documentation says that it drops "invalid rows". With a unique index only the invalid row goes.
# No issue describes it; those of drop_invalid_rows concern columns of another type and mixtures of schemas.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pandera[pandas]==0.35.0" pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pandas as pd
import pandera
import pandera.pandas as pa

print("pandera", pandera.__version__)
cats = pd.DataFrame({"photo": ["cat.1.jpg", "cat.2.jpg", "cat.3.jpg"], "width": [640, 480, 640]})
dogs = pd.DataFrame({"photo": ["dog.1.jpg", "dog.2.jpg", "dog.3.jpg"], "width": [640, -1, 640]})
owls = pd.DataFrame({"photo": ["owl.1.jpg", "owl.2.jpg"], "width": [480, 320]})
schema = pa.DataFrameSchema({"width": pa.Column(int, pa.Check.gt(0))}, drop_invalid_rows=True)
for ignore_index in (True, False):
    table = pd.concat([cats, dogs, owls], ignore_index=ignore_index)
    expected = table["photo"][table["width"] > 0].tolist()
    seen = schema.validate(table, lazy=True)["photo"].tolist()
    lost = [photo for photo in expected if photo not in seen]
    print(f"ignore_index={ignore_index} - expected: {len(expected)} photos - seen: {len(seen)}; valid ones that are lost: {lost}")
    assert lost == ([] if ignore_index else ["cat.2.jpg", "owl.2.jpg"])
widths = pd.concat([cats, dogs, owls])["width"]
assert len(pa.SeriesSchema(int, pa.Check.gt(0), drop_invalid_rows=True).validate(widths, lazy=True)) == 5
PYTHON
