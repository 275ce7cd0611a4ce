#!/usr/bin/env bash
# DVC 3.67.1: a JSON file whose first record lacks a field that a later one has is not plotted at all, though no plot uses that field.
#
# A log of training has val_loss only in epochs with a validation. By the documentation, all records should have the fields of the axes,
# and "extra elements will be ignored silently". So it is if the first record is one with val_loss. If it is one
# without, all records are dropped: the page has no such plot, the message is "argument of type 'nonetype' is not iterable", and the
# exit code is 0. The same records as a CSV file are plotted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_NO_ANALYTICS=1
git init --quiet "$folder/repository"
cd "$folder/repository"
dvc init --quiet
echo '[{"epoch": 0, "loss": 0.9, "val_loss": 0.8}, {"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_loss": 0.6}]' > first.json
echo '[{"epoch": 0, "loss": 0.9}, {"epoch": 1, "loss": 0.5, "val_loss": 0.7}, {"epoch": 2, "loss": 0.4}]' > second.json
printf 'epoch,loss,val_loss\n0,0.9,\n1,0.5,0.7\n2,0.4,\n' > second.csv
printf 'plots:\n- first.json: {x: epoch, y: loss}\n- second.json: {x: epoch, y: loss}\n- second.csv: {x: epoch, y: loss}\n' > dvc.yaml

points() { # prints how many points the plot of the loss in a file has
    dvc plots show --json 2> errors.txt | "$folder/venv/bin/python" -c '
import json, sys
plots = json.load(sys.stdin)["data"][sys.argv[1]]
print(sum(len(plot["content"]["data"]["values"]) for plot in plots))' "$1"
}

dvc --version
echo "expected: 3 points of each file - seen of first.json: $(points first.json), of second.csv: $(points second.csv)"
echo "seen of second.json: $(points second.json); message: $(sort -u errors.txt)"
[ "$(points first.json) $(points second.csv) $(points second.json)" = "3 3 0" ]
dvc plots show --quiet
