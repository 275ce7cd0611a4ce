#!/usr/bin/env bash
# DVC 3.67.1: a folder that is linked into a tracked folder is left out, without a word.
#
# photos/cats is a link to a folder on another disk. `dvc add photos` stores the dogs alone and says nothing of the cats; a link to a
# file is stored as the file. As a dependency such a folder never changes: after a new photo of a cat, `dvc status` says that the
# pipeline is up to date, and `dvc repro` keeps the old result. The documentation of `dvc add` speaks only of targets that are
# links, and DVC issue 9971 (open) of links that are followed when a folder is hashed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$folder/venv/bin:$PATH" DVC_NO_ANALYTICS=1
mkdir -p "$folder/another disk/cats" "$folder/repository/photos/dogs"
git init --quiet "$folder/repository"
cd "$folder/repository"
dvc init --quiet
echo "a cat" > "$folder/another disk/cats/1.jpg"
echo "a bird" > "$folder/another disk/bird.jpg"
echo "a dog" > photos/dogs/1.jpg
ln -s "$folder/another disk/cats" photos/cats
ln -s "$folder/another disk/bird.jpg" photos/dogs/bird.jpg
dvc --version

dvc add photos > output 2>&1
rm -r photos
dvc checkout --quiet
echo "expected: photos/ has a cat, a dog and a bird after dvc add and dvc checkout, or dvc add names the cats"
echo "seen:" "$(find photos -type f | sort | paste -sd ' ')"
test "$(find photos -type f | sort | paste -sd ' ')" = "photos/dogs/1.jpg photos/dogs/bird.jpg"
if grep --quiet cats output; then exit 1; fi

dvc remove --quiet photos.dvc
ln -s "$folder/another disk/cats" photos/cats
printf 'stages:\n  count:\n    cmd: find -L photos -type f | wc -l > count.txt\n    deps: [photos]\n    outs: [count.txt]\n' > dvc.yaml
dvc repro --quiet
echo "another cat" > "$folder/another disk/cats/2.jpg"
echo "expected: count.txt has 4 after a second cat and dvc repro"
dvc status
dvc repro --quiet
echo "seen: count.txt has $(cat count.txt)"
test "$(cat count.txt)" -eq 3
