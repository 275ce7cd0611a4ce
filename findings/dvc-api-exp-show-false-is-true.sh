#!/usr/bin/env bash
# DVC 3.67.1: dvc.api.exp_show() returns false as the text "False", which is true, and text of digits as a number.
#
# It takes the values from the table that `dvc exp show` prints, as text, and makes a float of each that reads like one. So a program
# that looks for experiments with a parameter takes those without it as well, the class "007" becomes 7.0, one called nan is not
# a number, and null and lists are text. params_show() returns the same values as they are, and so does `dvc exp show --json`. The
# documentation of exp_show() says nothing of types.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_NO_ANALYTICS=1
git init --quiet "$folder/repository"
cd "$folder/repository"
git config user.name example
git config user.email example@localhost
dvc init --quiet
printf 'balanced: false\npositive_class: "007"\nother_class: "nan"\nepochs: 20\nunits: [32, 256]\nseed: null\n' > params.yaml
printf 'params:\n- params.yaml\n' > dvc.yaml
git add --all
git commit --quiet --message "Parameters"
dvc --version
"$folder/venv/bin/python" - <<'PYTHON'
import dvc.api

expected = dvc.api.params_show()
row = dvc.api.exp_show()[0]
seen = {key: row[key] for key in expected}
print("expected:", expected)
print("seen:    ", seen)
assert expected["balanced"] is False
assert seen["balanced"] == "False"
assert bool(seen["balanced"])
assert (expected["positive_class"], seen["positive_class"]) == ("007", 7.0)
assert seen["other_class"] != seen["other_class"]  # not a number
assert (seen["units"], seen["seed"]) == ("[32, 256]", "None")
assert isinstance(seen["epochs"], float)
PYTHON
dvc exp show --json | grep --quiet '"balanced": false'
