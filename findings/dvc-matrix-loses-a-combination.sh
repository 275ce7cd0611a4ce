#!/usr/bin/env bash
# DVC 3.67.1: of two combinations of a matrix whose values read the same when joined by dashes, only the last becomes a stage.
#
# A stage of a matrix is named by its values, joined by dashes: vit and b-16 make train@vit-b-16, and so do vit-b and 16. The second
# overwrites the first, without a warning or an error: `dvc stage list` has a stage fewer, `dvc repro` never runs it, and ends with exit
# code 0. Values that read the same are lost, too, such as the number 1 and the text "1". The documentation has a stage for
# each combination. Two stages of one name that are written out are an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_NO_ANALYTICS=1
git init --quiet "$folder/repository"
cd "$folder/repository"
dvc init --quiet
cat > dvc.yaml <<'YAML'
stages:
  train:
    matrix:
      network: [vit, vit-b]
      patches: [b-16, 16]
    cmd: echo ${item.network} ${item.patches} >> trained.txt
YAML
dvc --version
dvc repro --quiet
echo "expected: four combinations: vit b-16, vit 16, vit-b b-16, vit-b 16"
echo "seen in \`dvc stage list\`: $(dvc stage list --name-only | paste -sd ' ')"
echo "seen to run: $(paste -sd ',' trained.txt)"
[ "$(dvc stage list --name-only | wc -l)" -eq 3 ]
[ "$(sort trained.txt)" = "$(printf 'vit 16\nvit-b 16\nvit-b b-16')" ]
