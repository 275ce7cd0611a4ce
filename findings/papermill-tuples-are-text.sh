#!/usr/bin/env bash
# papermill 2.7.0: a notebook gets the parameter weights=(1, 5) as the text "(1, 5)", so the weight of the first class is "(".
#
# Numbers, lists, dictionaries, true, false and None are written into the notebook as such, and all else as text, without a warning.
# Python takes the text wherever it takes a tuple: it has a length, and zip(), max() and loops go over its characters. So a notebook runs
# to its end with other parameters than were given, or fails far from the cause. Tuples in lists and dictionaries are text, too, while the
# output's metadata record a list of numbers. Known from issues 586 and 784 (open).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet papermill==2.7.0 ipykernel==6.29.5 nbformat==5.10.4 2>/dev/null
cd "$folder"
export HOME="$folder" PATH="$folder/venv/bin:$PATH"
python -m ipykernel install --user --name python3 >/dev/null 2>&1
python -W ignore - 2>/dev/null <<'PYTHON'
import json

import nbformat
import papermill

print("papermill", papermill.__version__)
parameters = nbformat.v4.new_code_cell("weights = None", metadata={"tags": ["parameters"]})
code = nbformat.v4.new_code_cell('import json\nprint(json.dumps([dict(zip(["cat", "dog"], weights)), len(weights)]))')
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
nbformat.write(nbformat.v4.new_notebook(cells=[parameters, code], metadata=kernel), "train.ipynb")
for weights in ([1, 5], (1, 5)):
    output = papermill.execute_notebook(
        "train.ipynb", "output.ipynb", parameters={"weights": weights}, progress_bar=False
    )
    seen = json.loads(output.cells[-1].outputs[0].text)
    recorded = nbformat.read("output.ipynb", 4).metadata.papermill.parameters["weights"]
    expected = [{"cat": 1, "dog": 5}, 2]
    print(f"weights={weights} - expected: {expected} - seen: {seen} - recorded: {recorded}")
    assert recorded == [1, 5] and seen == (expected if isinstance(weights, list) else [{"cat": "(", "dog": "1"}, 6])
PYTHON
