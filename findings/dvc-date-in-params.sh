#!/usr/bin/env bash
# DVC 3.67.1: a date in params.yaml that no stage uses ends every command with "unexpected error".
#
# YAML needs no quotes around 2026-01-31 and reads it as a date. DVC resolves all of params.yaml as soon as dvc.yaml has a
# `${...}`, and accepts no value of that type. `dvc status`, `dvc stage list` and `dvc repro` all end, as in a fault of
# DVC's own, and not with a parameter error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1 2>/dev/null
export PATH="$folder/venv/bin:$PATH" HOME="$folder"
mkdir "$folder/project" && cd "$folder/project"
git init --quiet . && dvc init --quiet
cat > dvc.yaml <<'YAML'
stages:
  copy:
    foreach: ${names}
    do:
      cmd: echo ${key} > ${key}.txt
      outs:
        - ${key}.txt
YAML
echo "DVC $(dvc --version)"
echo "expected: a value that no stage uses makes no difference"
printf 'names:\n  a: {}\ntaken: "2026-01-31"\n' > params.yaml
dvc status > /dev/null && echo "taken: \"2026-01-31\" -> dvc status works"
printf 'names:\n  a: {}\ntaken: 2026-01-31\n' > params.yaml
for command in status "stage list" repro; do
    # shellcheck disable=SC2086
    if output=$(dvc $command 2>&1); then echo "dvc $command works now"; exit 1; fi
    echo "taken: 2026-01-31 -> dvc $command: $(grep ERROR <<< "$output")"
    grep --quiet "unexpected error - Unsupported value of type 'date'" <<< "$output"
done
