#!/usr/bin/env bash
# DVC 3.67.1: the first `dvc exp run --set-param` writes the values of a YAML merge key into every entry that uses it.
#
# The merge keys stay, but every entry now has values of its own that override them: from then on a change of the shared
# value changes nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1 2>/dev/null
export PATH="$folder/venv/bin:$PATH" HOME="$folder"
mkdir "$folder/project" && cd "$folder/project"
git init --quiet . && dvc init --quiet
git config user.name name && git config user.email name@example.org
cat > params.yaml <<'YAML'
shared: &shared # for all
  epochs: 20
  rate: 0.1
first:
  <<: *shared
second:
  <<: *shared
  rate: 0.2
YAML
cat > dvc.yaml <<'YAML'
stages:
  copy:
    cmd: cp params.yaml copy.yaml
    params:
      - second
    outs:
      - copy.yaml
YAML
git add . && git commit --quiet --message start
dvc exp run --quiet --set-param second.rate=0.3
echo "DVC $(dvc --version)"
echo "expected: one line of params.yaml changed, second.rate"
echo "seen:"
git diff --unified=0 params.yaml | grep '^[-+] '
[ "$(grep --count '^  <<: \*shared$' params.yaml)" = 2 ]
[ "$(grep --count '^  epochs: 20$' params.yaml)" = 3 ]
