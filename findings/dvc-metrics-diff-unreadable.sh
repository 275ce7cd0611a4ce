#!/usr/bin/env bash
# DVC 3.67.1: `dvc metrics diff` and `dvc metrics show` exit with 0 when they cannot read a metrics file.
#
# The table has "-" where the new value should be, and a line on stderr names a revision, but neither the file nor what
# is wrong with it. A script or a CI job that goes by the exit code takes the comparison for done.
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
printf 'stages:\n  score:\n    cmd: "true"\n    metrics:\n    - score.json:\n        cache: false\n' > dvc.yaml
echo '{"accuracy": 0.9}' > score.json
git add --all
git commit --quiet --message "A metric"
printf '{"accuracy": 0.8' > score.json # as a merge or a full disk leaves it
dvc --version
echo "expected: an exit code other than 0 and a message that names score.json"
for command in diff show; do
    code=0
    dvc metrics "$command" > output 2> errors || code=$?
    cat output errors
    echo "seen: dvc metrics $command exits with $code"
    test "$code" = 0
    if grep --quiet score.json errors; then exit 1; fi
done
