#!/usr/bin/env bash
# PyCM 4.6: a saved confusion matrix of some classes has all classes when it is loaded, and another accuracy.
#
# ConfusionMatrix(classes=["cat", "dog"]) counts the photos of these classes, in this order. save_obj() stores the labels, the
# predictions and the matrix, and not the classes; loading counts the labels again, and so all classes, sorted. Of 100 photos here the
# accuracy is 0.97 before, and 0.78 after. Without the labels, as with save_vector=False, the classes stay. The documentation calls it
# saving and loading of the object. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pycm==4.6 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pathlib

import pycm

print("PyCM", pycm.__version__)
labels = ["dog"] * 35 + ["cat"] * 35 + ["other"] * 30
predictions = ["dog"] * 34 + ["cat"] + ["cat"] * 34 + ["dog"] + ["other"] * 10 + ["cat"] * 20
for classes, right in [(None, True), (["cat", "dog", "other"], True), (["other", "dog", "cat"], False), (["cat", "dog"], False)]:
    matrix = pycm.ConfusionMatrix(labels, predictions, classes=classes)
    matrix.save_obj("matrix")
    with pathlib.Path("matrix.obj").open() as file:
        loaded = pycm.ConfusionMatrix(file=file)
    print(f"classes={classes} - expected: {matrix.classes}, accuracy {matrix.Overall_ACC:.2f}", end=" - ")
    print(f"seen: {loaded.classes}, accuracy {loaded.Overall_ACC:.2f}")
    assert (loaded.classes == matrix.classes) == right
    assert loaded.classes == ["cat", "dog", "other"] and (loaded.Overall_ACC == matrix.Overall_ACC) == (classes != ["cat", "dog"])
PYTHON
