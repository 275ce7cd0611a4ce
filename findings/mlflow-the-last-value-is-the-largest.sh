#!/usr/bin/env bash
# MLflow 3.17.2: of losses that are logged at the same step and time, the largest counts as the last one, and equal ones are dropped.
#
# get_run() says that it returns "the most recently logged value at the largest step". A database orders the values by step, time and value,
# so at equal times the largest is the last: after losses of 0.9, 0.5 and 0.1, the loss of the run is 0.9, and after a loss that is not a
# number, still the one before. get_metric_history() has them sorted by value, without those logged before. That is so for values
# given a time by the caller, as log_batch() needs one for each, and for those within a millisecond. With a step or a time of their own
# they are right. The maintainers mean the largest value to win (issue 990, pull request 999); the documentation says otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
MLFLOW_TRACKING_URI="sqlite:///$folder/mlflow.db" "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
from mlflow.entities import Metric

print("MLflow", mlflow.__version__)
client = mlflow.MlflowClient()
assert "most recently logged value at the largest step" in " ".join(client.get_run.__doc__.split())
NAN = float("nan")
for name, losses, times, last, history in [
    ("at times of their own", [0.9, 0.5, 0.1], [1000, 1001, 1002], 0.1, [0.9, 0.5, 0.1]),
    ("at the same time", [0.9, 0.5, 0.1], [1000] * 3, 0.9, [0.1, 0.5, 0.9]),
    ("twice the same", [0.5, 0.4, 0.5], [1000] * 3, 0.5, [0.4, 0.5]),
    ("the last is not a number", [0.9, 0.5, NAN], [1000] * 3, 0.9, None),
]:
    with mlflow.start_run() as run:
        client.log_batch(run.info.run_id, [Metric("loss", loss, time, 7) for loss, time in zip(losses, times)])
    seen = client.get_run(run.info.run_id).data.metrics["loss"]
    kept = [metric.value for metric in client.get_metric_history(run.info.run_id, "loss")]
    print(f"{name} - expected: {losses[-1]} of {losses} - seen: {seen} of {kept}")
    assert seen == last and kept == (history or kept)
PYTHON
