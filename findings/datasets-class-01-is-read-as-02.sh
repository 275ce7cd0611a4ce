#!/usr/bin/env bash
# Datasets 5.2.0: of the classes 01, 02 and 03, a photo labelled 1 becomes one of class 02.
#
# ClassLabel.str2int() converts, by its documentation, the name of a class to its index. A text that is no class name is an error, unless it
# reads as a number that is an index: "1" is class 1, and that is 02. Casting a column of labels and reading a CSV do the same. Labels lose
# their zeros when a spreadsheet or a reader that takes them for numbers has written the table. With classes 1, 2 and 3, the label 0, which
# is not one of them, becomes class 1 in the same way. A label as large as the number of classes is refused. Near to it: pull request 8553.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 numpy==2.4.6 2>/dev/null
HF_HOME="$folder/cache" HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - "$folder/labels.csv" <<'PYTHON'
import sys

import datasets
from datasets import ClassLabel, Dataset, Features, Value

datasets.disable_progress_bars()
print("Datasets", datasets.__version__)
for names, label, expected in [
    (["01", "02", "03"], "02", "02"),
    (["01", "02", "03"], "1", "refused, or 01"),
    (["01", "02", "03"], "2", "refused, or 02"),
    (["1", "2", "3"], "0", "refused"),
    (["01", "02", "03"], "3", "refused, or 03"),
    (["01", "02", "03"], "bird", "refused"),
]:
    classes = ClassLabel(names=names)
    try:
        seen = classes.int2str(classes.str2int(label))
    except ValueError:
        seen = "refused"
    print(f"label {label!r} of the classes {names} - expected: {expected} - seen: {seen}")
    assert seen == {"1": "02", "2": "03", "0": "1", "02": "02"}.get(label, "refused")

classes = ClassLabel(names=["01", "02", "03"])
cast = Dataset.from_dict({"label": ["1", "2"]}).cast_column("label", classes)["label"]
with open(sys.argv[1], "w") as file:
    file.write("photo,label\na.jpg,1\nb.jpg,2\n")
features = Features({"photo": Value("string"), "label": classes})
read = datasets.load_dataset("csv", data_files=sys.argv[1], features=features, split="train")["label"]
for how, column in (("cast", cast), ("read", read)):
    seen = classes.int2str(list(column))
    print(f"{how}, labels 1 and 2 - expected: refused, or 01 and 02 - seen: {seen}")
    assert seen == ["02", "03"]
PYTHON
