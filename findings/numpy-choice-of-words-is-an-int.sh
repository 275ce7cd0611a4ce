#!/usr/bin/env bash
# NumPy 2.5.5: its types say that `Generator.choice` of a list of strings is an integer.
#
# A strict mypy run therefore accepts arithmetic on a word, which fails as it runs, and refuses the word as a key of a dict.
# A string is a sequence of strings, so a list of them passes for a nested sequence of integers of any depth. NumPy 2.5 needs
# Python 3.12 or newer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.5.5 mypy==2.4.1 2>/dev/null
cd "$folder"
cat > choice.py <<'PYTHON'
import numpy as np

weights = {"cat": 4, "dog": 9}
word = np.random.default_rng(0).choice(["cat", "dog"])
print(type(word).__name__, weights[word])
PYTHON
echo "expected: mypy accepts what runs: $(venv/bin/python choice.py)"
echo "seen: $(venv/bin/mypy choice.py | head -1)"
! venv/bin/mypy choice.py > /dev/null
