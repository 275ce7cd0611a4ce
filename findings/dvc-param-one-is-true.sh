#!/usr/bin/env bash
# DVC 3.67.1: a parameter that changes from 1 to true, or from 0 to false, counts as unchanged.
#
# DVC compares the values as Python does, to which 1 == True and 0 == False. So `dvc repro` runs nothing and keeps results that
# were made with another value and another type: here of a program that writes which one it was given. dvc.lock keeps the old
# value, and so does each experiment that is made of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_NO_ANALYTICS=1
git init --quiet "$folder/repository"
cd "$folder/repository"
dvc init --quiet
cat > write.py <<'PYTHON'
from ruamel.yaml import YAML

with open("params.yaml") as file:
    value = YAML().load(file)["threshold"]
with open("result.txt", "w") as file:
    file.write(f"{value!r}\n")
PYTHON
printf 'stages:\n  write:\n    cmd: python write.py\n    params: [threshold]\n    outs: [result.txt]\n' > dvc.yaml
dvc --version
echo "expected: after each change, and repro, result.txt has the value of params.yaml"
for change in "1 2 2" "1 true 1" "0 false 0" "true 1 True"; do
    read -r old new seen <<< "$change"
    echo "threshold: $old" > params.yaml
    dvc repro --quiet
    echo "threshold: $new" > params.yaml
    dvc repro --quiet
    echo "seen: from $old to $new: result.txt has $(cat result.txt)"
    test "$(cat result.txt)" = "$seen"
done
