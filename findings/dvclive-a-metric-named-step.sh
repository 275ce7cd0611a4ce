#!/usr/bin/env bash
# DVCLive 3.49.1: the values of a metric whose name ends in "step", such as seconds/step, are written as the steps.
#
# The history of a metric is a table of two columns, step and the last part of the metric's name. If that is "step", too, both are one
# key of a dictionary, and the value takes the place of the step. So the table of seconds/step has the seconds as its steps and no other
# column, and DVC plots its steps. A metric named timestamp does the same to the time with timestamp=True. Neither name is refused,
# and no warning is given; the documentation names no reserved one. Near to it: issue 491 (closed), to stop treating the step as a metric.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvclive==3.49.1 2>/dev/null
cd "$folder"
DVCLIVE_LOGLEVEL=ERROR "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import csv
import importlib.metadata
import pathlib

import dvclive

print("DVCLive", importlib.metadata.version("dvclive"))
logged = {"seconds/epoch": [0.25, 0.5, 0.75], "seconds/step": [0.25, 0.5, 0.75]}
with dvclive.Live("live", save_dvc_exp=False, monitor_system=False) as live:
    for epoch in range(3):
        for name, values in logged.items():
            live.log_metric(name, values[epoch])
        live.next_step()
for name, values in logged.items():
    lines = list(csv.reader(pathlib.Path(f"live/plots/metrics/{name}.tsv").open(), delimiter="\t"))
    expected = [["step", name.split("/")[1]]] + [[str(epoch), str(value)] for epoch, value in enumerate(values)]
    print(f"history of {name} - expected: {expected} - seen: {lines}")
    assert lines == ([["step"], ["0.25"], ["0.5"], ["0.75"]] if name == "seconds/step" else expected)
PYTHON
