#!/usr/bin/env bash
# Lightly 1.6.0: load_embeddings() takes the last column of the file for the labels, and all before it for embeddings, whatever their names.
#
# A file may have columns beside "labels": check_embeddings(), which it calls first, accepts them and says that they "are kept unchanged",
# and knows "masked" and "selected" by name. With these behind the labels, the flags arrive as labels, and labels as a number of the
# embedding; before the labels, flags are numbers of the embedding. check_embeddings(remove_additional_columns=True) rewrites the file first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps lightly==1.6.0 2>/dev/null
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
from pathlib import Path

import lightly
import numpy as np
from lightly.utils.io import check_embeddings, load_embeddings, save_embeddings

print("Lightly", lightly.__version__)
embeddings, labels, names = np.array([[0.1, 0.2], [0.3, 0.4]]), [7, 8], ["a.jpg", "b.jpg"]
save_embeddings("saved.csv", embeddings, labels, names)
Path("behind.csv").write_text(
    "filenames,embedding_0,embedding_1,labels,masked,selected\na.jpg,0.1,0.2,7,0,1\nb.jpg,0.3,0.4,8,0,0\n"
)
Path("before.csv").write_text(
    "filenames,embedding_0,embedding_1,masked,selected,labels\na.jpg,0.1,0.2,0,1,7\nb.jpg,0.3,0.4,0,0,8\n"
)
for file, seen_labels, seen_embeddings in [
    ("saved.csv", labels, embeddings.tolist()),
    ("behind.csv", [1, 0], [[0.1, 0.2, 7, 0], [0.3, 0.4, 8, 0]]),
    ("before.csv", labels, [[0.1, 0.2, 0, 1], [0.3, 0.4, 0, 0]]),
]:
    check_embeddings(file)
    seen, read_labels, read_names = load_embeddings(file)
    print(f"{file} - expected: {labels} {embeddings.tolist()} - seen: {read_labels} {seen.tolist()}")
    assert read_names == names and read_labels == seen_labels and seen.tolist() == seen_embeddings
    check_embeddings(file, remove_additional_columns=True)
    assert load_embeddings(file)[1] == labels and np.array_equal(load_embeddings(file)[0], embeddings)
PYTHON
