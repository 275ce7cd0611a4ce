#!/usr/bin/env bash
# openpyxl 3.1.5: a photo called tile_x0041_y0042.png is tileAy0042.png to a program that reads the workbook by the standard.
#
# In a text of a workbook, _x and four hexadecimal digits and _ stand for a character (ECMA-376, part 1, 22.9.2.19, ST_Xstring). A text that
# only looks like one has to be written with its underscore as _x005F_. XlsxWriter does so, as Excel does; openpyxl, which pandas uses by
# default, writes it as it is. When it reads, it removes x005F_ and decodes no code, so its own files look right to it. calamine, with which
# pandas reads workbooks faster, sees the letter of the code, or a control character. Names of tiles by their position are of this form. The
# documentation says nothing about it. Known from the other side: XlsxWriter's issue 807 (closed) explains the rule.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openpyxl==3.1.5 xlsxwriter==3.3.1 python-calamine==0.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pandas as pd

print("openpyxl", version("openpyxl"))
names = ["cat_1.jpg", "tile_x0041_y0042.png", "crop_x0031_y0009.jpg"]
other = ["cat_1.jpg", "tileAy0042.png", "crop1y0009.jpg"]
for writer in ("xlsxwriter", "openpyxl"):
    pd.DataFrame({"photo": names}).to_excel(f"{writer}.xlsx", index=False, engine=writer)
    for reader in ("calamine", "openpyxl"):
        seen = pd.read_excel(f"{writer}.xlsx", engine=reader)["photo"].tolist()
        print(f"written by {writer}, read by {reader} - expected: {names} - seen: {seen}")
        assert seen == (other if (writer, reader) == ("openpyxl", "calamine") else names)
PYTHON
