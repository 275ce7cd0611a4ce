#!/usr/bin/env bash
# sacred 0.8.7: a list of the config that was changed for a run counts as modified only if all of its entries changed.
#
# What a run changes in the config is recorded in config_modifications, and print_config shows it in blue. A new value is compared with
# the old by NumPy, entry by entry, and counts as different only if every entry differs. So layers of [64, 64] instead of [64, 32] count
# as an unmodified default, while a list of another length is a modification. The documentation says that blue marks values that were
# modified. Near to it: issue 930 (open), of lists of lists without NumPy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sacred==0.8.7 "setuptools==80.9.0" numpy==2.4.6 2>/dev/null
cd "$folder"
cat > experiment.py <<'PYTHON'
import importlib.metadata

import sacred

experiment = sacred.Experiment("train", save_git_info=False)


@experiment.config
def config():
    layers = [64, 32]
    rate = 0.1


@experiment.main
def train(layers, rate):
    return layers


if __name__ == "__main__":
    print("sacred", importlib.metadata.version("sacred"))
    for updates in ({"rate": 0.2}, {"layers": [128, 64]}, {"layers": [64, 32, 16]}, {"layers": [64, 64]}, {"layers": [128, 32]}):
        run = experiment.run(config_updates=updates)
        assert all(run.config[name] == value for name, value in updates.items())
        seen = run.config_modifications.modified
        print(f"changed: {updates} - expected: {set(updates)} - seen: {seen or '{}'}")
        unchanged_entry = updates in ({"layers": [64, 64]}, {"layers": [128, 32]})
        assert seen == (set() if unchanged_entry else set(updates))
PYTHON
"$folder/venv/bin/python" -W ignore experiment.py 2>/dev/null
