#!/usr/bin/env bash
# TensorFlow 2.21.0: TextLineDataset deletes each carriage return, so the lines of a file that ends them so become one line.
#
# By its documentation, newlines are stripped from the lines. A carriage return is not taken for the end of a line, nor kept as a character
# of it: of the three lines of a list that an old spreadsheet for the Mac wrote, one line is left, in which the label of one photo and the
# name of the next are one word. Python reads three lines. Returns before a newline, as Windows writes them, are rightly gone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-cpu==2.21.0 numpy==2.4.6 2>/dev/null
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder/list.txt" 2>/dev/null <<'PYTHON'
import sys

import tensorflow as tf

print("TensorFlow", tf.__version__)
for ending in ("\n", "\r\n", "\r"):
    text = ending.join(["a.jpg,cat", "b.jpg,dog", "c.jpg,cat", ""])
    with open(sys.argv[1], "wb") as file:
        file.write(text.encode())
    expected = text.splitlines()
    seen = [line.decode() for line in tf.data.TextLineDataset(sys.argv[1]).as_numpy_iterator()]
    print(f"lines that end in {ending!r} - expected: {expected} - seen: {seen}")
    assert seen == (["a.jpg,catb.jpg,dogc.jpg,cat"] if ending == "\r" else expected)
PYTHON
