#!/usr/bin/env bash
# DVC 3.67.1: DVCFileSystem(rev=...) sees no files in a project that is a sub-folder of a git repository.
#
# Without rev it opens the project in the current folder (`dvc init --subdir`). With rev it takes the root of the git
# repository for the project's, and lists nothing there: no error says so. Repo().switch(rev) finds the files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_NO_ANALYTICS=1
git init --quiet "$folder/repository"
mkdir "$folder/repository/inner"
cd "$folder/repository/inner"
git config user.name example
git config user.email example@localhost
dvc init --subdir --quiet
echo hello > note.txt
dvc add --quiet note.txt
git add --all
git commit --quiet --message "A tracked file"
python - <<'PYTHON'
import dvc
from dvc.api import DVCFileSystem
from dvc.repo import Repo

now = DVCFileSystem().exists("note.txt")
then = DVCFileSystem(rev="HEAD").exists("note.txt")
with Repo() as repo, repo.switch("HEAD"):
    switched = DVCFileSystem(repo).exists("note.txt")
print("DVC", dvc.__version__)
print("expected: the committed file exists in the workspace and at HEAD")
print(f"DVCFileSystem(): {now}; DVCFileSystem(rev='HEAD'): {then}; Repo().switch('HEAD'): {switched}")
assert (now, then, switched) == (True, False, True)
print("seen: with rev, the file system of a sub-folder's project is empty")
PYTHON
