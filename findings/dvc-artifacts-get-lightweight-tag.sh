#!/usr/bin/env bash
# DVC 3.67.1: `dvc artifacts get` does not find a version whose git tag is lightweight, and does not say so.
#
# A version of an artifact is a git tag NAME@vX.Y.Z. Made by `git tag` alone it is not one for DVC, though `git tag`
# lists it; made by `git tag --annotate` it is. The two errors name Studio and the artifact, not the tag.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1 2>/dev/null
export PATH="$folder/venv/bin:$PATH" HOME="$folder"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
mkdir "$folder/project" && cd "$folder/project"
git init --quiet . && dvc init --quiet
echo weights > model.bin
dvc add --quiet model.bin
cat > dvc.yaml <<'YAML'
artifacts:
  model:
    type: model
    path: model.bin
YAML
git add --all && git commit --quiet --message model
cd "$folder"
echo "DVC $(dvc --version)"
echo "expected: the version model@v1.0.0 is found, or an error that names the tag"
get() { dvc artifacts get project model --out "$1" > log 2>&1 && echo "exit code 0" || echo "exit code $?"; grep ERROR log || true; }
git -C project tag model@v1.0.0
echo "seen with a lightweight tag: $(get light.bin)"
[ ! -e light.bin ]
git -C project tag --delete model@v1.0.0 > /dev/null
git -C project tag --annotate model@v1.0.0 --message 1
echo "seen with an annotated tag: $(get annotated.bin)"
[ -e annotated.bin ]
