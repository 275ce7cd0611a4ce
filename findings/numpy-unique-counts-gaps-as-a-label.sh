#!/usr/bin/env bash
# NumPy 2.4.6: np.unique(labels, return_counts=True) of texts with gaps counts the gaps as the last label; without counts it returns them.
#
# In an array of type StringDType(na_object=np.nan) a gap is neither == nor != to a text, whereas a NaN among floats is != to everything.
# unique asks for != to find out where the next label begins, if counts, indices or the inverse are wanted, and so counts each gap to the
# label before it; setxor1d loses the label before a gap. Comparisons by != leave out photos without a label. The documentation says that
# equal_nan "collapses multiple NaN values in the return array into one", and that such gaps sort to the end, "following the behavior of nan
# in float arrays". Known, and fixed in the source by pull request 32564, merged in September 2026.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("NumPy", np.__version__)
texts = np.dtypes.StringDType(na_object=np.nan)
labels = np.array(["dog", np.nan, "cat", "dog", np.nan, np.nan], dtype=texts)
assert list(map(str, np.unique(labels))) == ["cat", "dog", "nan"]
values, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
seen = dict(zip(map(str, values), counts.tolist(), strict=True))
print(f"labels: {labels.tolist()}")
print(f"counts - expected: {{'cat': 1, 'dog': 2, 'nan': 3}}, as of floats - seen: {seen}")
print(f"labels by the inverse - expected: as before - seen: {values[inverse].tolist()}")
assert seen == {"cat": 1, "dog": 5} and values[inverse].tolist() == ["dog", "dog", "cat", "dog", "dog", "dog"]
differ = (labels != "dog").tolist()
print(f"labels != 'dog' - expected: {[False, True, True, False, True, True]} - seen: {differ}")
assert differ == [False, False, True, False, False, False]
others = np.array(["cat", "dog", "emu", np.nan], dtype=texts)
only = np.setxor1d(np.array(["cat", "dog"], dtype=texts), others).tolist()
print(f"what one of two lists has, by setxor1d - expected: 'emu' and a gap - seen: {only}")
assert "emu" not in only
numbers = np.array([2, np.nan, 1, 2, np.nan, np.nan])
assert np.unique(numbers, return_counts=True)[1].tolist() == [1, 2, 3] and (numbers != 2).tolist() == [False, True, True, False, True, True]
PYTHON
