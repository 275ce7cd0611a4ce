#!/usr/bin/env bash
# DVC 3.67.1: .dvcignore hides a file inside a folder dependency, and not a file that is a dependency itself.
#
# A stage depends on code/ and on settings.py; .dvcignore names code/notes.py and settings.py. An edit of the first is no
# change, an edit of the second is one. What an ignored file does depends on how the stage came to depend on it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1 2>/dev/null
export PATH="$folder/venv/bin:$PATH" HOME="$folder"
mkdir -p "$folder/project/code" && cd "$folder/project"
git init --quiet . && dvc init --quiet
touch code/main.py code/notes.py settings.py
printf 'code/notes.py\nsettings.py\n' > .dvcignore
cat > dvc.yaml <<'YAML'
stages:
  one:
    cmd: echo 1 > out.txt
    deps: [code, settings.py]
    outs: [out.txt]
YAML
dvc repro --quiet
echo "DVC $(dvc --version)"
echo "expected: an ignored file is a dependency of nothing, or an error where it is listed as one"
echo "# edited" > code/notes.py
echo "seen after an edit of code/notes.py: $(dvc status)"
dvc status | grep --quiet "up to date"
echo "# edited" > settings.py
echo "seen after an edit of settings.py:" && dvc status
dvc status | grep --quiet "modified: *settings.py"
