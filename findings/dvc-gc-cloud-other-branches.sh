#!/usr/bin/env bash
# DVC 3.67.1: `dvc gc --cloud --all-branches` deletes from the remote the files of branches that others pushed.
#
# All branches are those of the clone itself. One that it has only as origin/NAME, as after any `git clone`, does not
# count, with no warning but the usual question: what its author pushed is gone for everyone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1 2>/dev/null
export PATH="$folder/venv/bin:$PATH" HOME="$folder"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git init --quiet --bare --initial-branch=main "$folder/origin.git"
git init --quiet --initial-branch=main "$folder/hers" && cd "$folder/hers"
dvc init --quiet && dvc remote add --quiet --default store "$folder/store"
for branch in main other; do
  git checkout --quiet -B "$branch"
  echo "$branch" > data && dvc add --quiet data && dvc push --quiet
  git add --all && git commit --quiet --message "$branch" && git push --quiet ../origin.git "$branch"
done
stored() { find "$folder/store" -type f | wc -l; }
git clone --quiet "$folder/origin.git" "$folder/his" && cd "$folder/his"
echo "DVC $(dvc --version)"
echo "branches of his clone: $(git branch --all --format '%(refname:short)' | xargs)"
echo "expected: 2 files in the remote, one of each branch; before: $(stored)"
dvc gc --quiet --force --workspace --all-branches --cloud
echo "seen: $(stored)"
[ "$(stored)" = 1 ]
