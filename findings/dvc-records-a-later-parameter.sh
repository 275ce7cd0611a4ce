#!/usr/bin/env bash
# DVC 3.67.1: a parameter that is edited while a stage runs is recorded with the result of the value before.
#
# When a stage has ended, DVC reads its parameters again, and writes what it finds then into dvc.lock. So where a person edits params.yaml
# for the next run during a long one, dvc.lock has the new value beside the old result, `dvc status` finds nothing to do, and `dvc repro`
# never runs the stage with the new value. Here the stage itself waits until the file was edited. Near to it: issue 11058 (open), of a
# dependency that is edited.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_NO_ANALYTICS=1
git init --quiet "$folder/repository"
cd "$folder/repository"
dvc init --quiet
cat > train.sh <<'SH'
cat params.yaml > result.txt
until grep -q 0.9 params.yaml; do sleep 0.1; done
SH
printf 'stages:\n  train:\n    cmd: sh train.sh\n    params: [dropout]\n    outs: [result.txt]\n' > dvc.yaml
echo 'dropout: 0.3' > params.yaml
dvc repro --quiet &
until grep -qs 0.3 result.txt; do sleep 0.1; done
echo 'dropout: 0.9' > params.yaml
wait $!
dvc --version
echo "expected: dvc.lock has dropout: 0.3, as result.txt, or dvc status says that dropout has changed"
dvc repro --quiet
echo "seen: after another dvc repro, dvc.lock has $(grep -o "dropout: .*" dvc.lock), result.txt $(cat result.txt)"
echo "seen: dvc status: $(dvc status)"
grep -q 'dropout: 0.9' dvc.lock
grep -q 'dropout: 0.3' result.txt
test "$(dvc status)" = "Data and pipelines are up to date."
