#!/usr/bin/env bash
# sacred 0.8.7: with the filter for progress bars, the stored output keeps the first state of each bar and loses the last.
#
# FileStorageObserver writes the captured output at every heartbeat, after the filter of the experiment, and appends what is beyond the
# length that it wrote before. The documentation recommends apply_backspaces_and_linefeeds for progress bars. It takes out what a later
# state of a line overwrites, so the text changes before that length: "accuracy 0.75", which overwrites the bar, is never stored, and
# cout.txt says "0 %" of an epoch that is done. Without the filter nothing is missing, and with it the run's captured_out is complete.
# A heartbeat is every 10 seconds; here each state has one. Near to it: issue 440 (open), of bars that fill the stored output.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sacred==0.8.7 "setuptools==80.9.0" numpy==2.4.6 2>/dev/null
cd "$folder"
cat > experiment.py <<'PYTHON'
import pathlib
import sys

import sacred
from sacred.observers import FileStorageObserver
from sacred.utils import apply_backspaces_and_linefeeds

experiment = sacred.Experiment("train", save_git_info=False)
experiment.observers.append(FileStorageObserver("runs", copy_sources=False))
experiment.logger = None
sacred.SETTINGS.CAPTURE_MODE = "sys"


@experiment.main
def train(_run):
    for epoch in range(3):
        print(f"epoch {epoch}:   0 % ............", end="", flush=True)
        _run._emit_heartbeat()
        print(f"\repoch {epoch}: accuracy 0.{epoch + 5}      ")
        _run._emit_heartbeat()


if __name__ == "__main__":
    expected = [f"epoch {epoch}: accuracy 0.{epoch + 5}" for epoch in range(3)]
    for name, output_filter in [("none", None), ("apply_backspaces_and_linefeeds", apply_backspaces_and_linefeeds)]:
        experiment.captured_out_filter = output_filter
        run = experiment.run()
        stored = pathlib.Path("runs", run._id, "cout.txt").read_bytes().decode()
        seen = [line.split("\r")[-1].strip() for line in stored.split("\n") if "epoch" in line]
        print(f"filter {name} - expected: {expected} - seen: {seen}", file=sys.stderr)
        assert all(line in run.captured_out for line in expected)
        assert (seen == expected) == (output_filter is None) and len(seen) == 3
        assert output_filter is None or not any("accuracy" in line for line in seen)
PYTHON
"$folder/venv/bin/python" -c 'import importlib.metadata; print("sacred", importlib.metadata.version("sacred"))'
"$folder/venv/bin/python" -W ignore experiment.py 2>&1 >/dev/null | grep filter
