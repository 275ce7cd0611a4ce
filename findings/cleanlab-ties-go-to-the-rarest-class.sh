#!/usr/bin/env bash
# cleanlab 2.9.0: a photo on whose label two people disagree gets the rarer of both, where the documentation says the more frequent.
#
# According to its documentation, get_majority_vote_label() breaks ties by the probabilities of a model, if there are any, then by "selecting
# the class with highest frequency". A comment in the code says that the minority class is selected, "to prevent larger class imbalance", and
# it is. Without a model, a photo that one of two people labels as a rare class by mistake becomes that class.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cleanlab==2.9.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import cleanlab
import numpy as np
from cleanlab.multiannotator import get_majority_vote_label

print("cleanlab", cleanlab.__version__)
assert "selecting the class with highest frequency" in " ".join(get_majority_vote_label.__doc__.split())
cat, lynx = 0, 1
labels = np.array([[cat, cat]] * 90 + [[cat, lynx]] * 9 + [[lynx, lynx]])
seen = get_majority_vote_label(labels)
print(f"nine photos, each a cat to one and a lynx to another, among 90 cats and a lynx - expected: {[cat] * 9} - seen: {seen[90:99].tolist()}")
assert (seen[:90] == cat).all() and (seen[90:] == lynx).all()
probabilities = np.tile([0.9, 0.1], (100, 1))
assert (get_majority_vote_label(labels, probabilities)[:99] == cat).all()
PYTHON
