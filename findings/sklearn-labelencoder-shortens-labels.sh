#!/usr/bin/env bash
# scikit-learn 1.9.1: LabelEncoder.transform() shortens an unknown label to the length of the longest known one, and then knows it.
#
# An unseen label is a ValueError, and most are. But transform() casts to the type of the known labels first, and
# NumPy's type of text has a length: of an encoder for "cat" and "dog", "category" and "cats" are "cat". In the same way
# 1.9 is 1, and the number 1 is the text "1". OrdinalEncoder refuses all of these, and a label that is not cut to a known one is refused by
# LabelEncoder, too. The classes of a test set that was labelled by other words become classes of the model without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import sklearn
from sklearn.preprocessing import LabelEncoder, OrdinalEncoder


def outcome(encoder, known, unseen):
    """Return what an encoder makes of a label, or that it refuses it."""
    try:
        return int(encoder.fit(known).transform(unseen).ravel()[0])
    except (ValueError, TypeError):
        return "refused"


print("scikit-learn", sklearn.__version__)
for known, unseen in [(["cat", "dog"], "category"), (["cat", "dog"], "cats"), ([1, 2], 1.9), (["1", "2"], 1), (["cat", "dog"], "bird")]:
    column = np.array(known)[:, None], np.array([[unseen]])
    expected, seen = outcome(OrdinalEncoder(), *column), outcome(LabelEncoder(), known, [unseen])
    print(f"{unseen!r} where {known} are known - expected, as of OrdinalEncoder: {expected} - seen: {seen}")
    assert expected == "refused"
    assert seen == ("refused" if unseen == "bird" else 0)
PYTHON
