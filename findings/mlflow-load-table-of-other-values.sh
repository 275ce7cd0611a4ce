#!/usr/bin/env bash
# MLflow 3.17.2: load_table() returns the labels 01 and 1 as the same number, small probabilities as 0, and sizes as dates of 1971.
#
# log_table() writes the table as JSON, with ten decimal places, and load_table() has pandas guess the types anew: text whose values all
# read as numbers becomes numbers, so names of photos lose their zeros and "1e3" is 1000. Numbers above 31,536,000 in a column whose name
# ends in "_at" or "_time", begins with "timestamp", or is "modified" or "date", become dates. In the file, the text and the sizes are
# right. The documentation calls the result "the loaded table". Near to it: pull requests 916 and 4902 (merged), which ended these guesses
# for requests to a served model. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
MLFLOW_TRACKING_URI="sqlite:///$folder/mlflow.db" "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import json

import mlflow
import pandas as pd

print("MLflow", mlflow.__version__)
logged = {
    "photo": ["cat/1.jpg", "dog/2.jpg"],
    "label": ["01", "1"],
    "shot": ["007", "1e3"],
    "probability": [1e-12, 0.5],
    "bytes_at_best": [40_000_000, 50_000_000],
    "bytes_written_at": [40_000_000, 50_000_000],
}
seen = {
    "label": [1, 1],
    "shot": [7, 1000],
    "probability": [0.0, 0.5],
    "bytes_written_at": [pd.Timestamp("1971-04-08 23:06:40"), pd.Timestamp("1971-08-02 16:53:20")],
}
with mlflow.start_run() as run:
    mlflow.log_table(pd.DataFrame(logged), "predictions.json")
    loaded = mlflow.load_table("predictions.json", run_ids=[run.info.run_id]).to_dict("list")
    stored = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/predictions.json"))
assert list(loaded) == stored["columns"] == list(logged)
for index, (name, values) in enumerate(logged.items()):
    print(f"{name} - expected: {values} - seen: {[str(value) if isinstance(value, pd.Timestamp) else value for value in loaded[name]]}")
    assert loaded[name] == seen.get(name, values)
    assert name == "probability" or [row[index] for row in stored["data"]] == values
PYTHON
