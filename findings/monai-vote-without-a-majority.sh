#!/usr/bin/env bash
# MONAI 1.6.1: VoteEnsemble returns no class for a photo to which not more than half of the models give the same one.
#
# By its documentation it selects "the most common data between items", of class indices or of one-hot rows. Of one-hot rows, it rounds the
# share of votes of each class: of five models, two of which vote for class 1 and the others for 0, 2 and 3, no class is left, nor of four
# models two of which vote for each of two classes. As class indices, the same votes elect class 1, as the most common one. Rows without a
# class are class 0 to argmax().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 torch==2.14.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import monai
import torch
from monai.transforms import VoteEnsemble

print("MONAI", monai.__version__)
for votes, majority in [([1, 1, 1, 0, 2], True), ([1, 1, 0, 2, 3], False), ([1, 1, 2, 3], False), ([2, 1, 1, 2], False)]:
    rows = torch.eye(4)[votes]
    expected = torch.bincount(torch.tensor(votes)).argmax().item()
    of_indices = VoteEnsemble(num_classes=4)(list(torch.tensor(votes)[:, None])).item()
    seen = VoteEnsemble()(list(rows))
    print(f"votes {votes} - expected: class {expected} - seen of indices: class {of_indices} - seen of one-hot rows: {seen.tolist()}")
    assert of_indices == expected
    assert seen.sum() == majority and (not majority or seen.argmax() == expected)
PYTHON
