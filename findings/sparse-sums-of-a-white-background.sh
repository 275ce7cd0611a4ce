#!/usr/bin/env bash
# sparse 0.19.3: sums and products of photos of bytes are those modulo 256 where all of a row has the array's fill value.
#
# The result has 64 bits, as NumPy's, and rows with a pixel of another value are right. What the fill value contributes is computed by
# a product or power of that value in the array's own type; it becomes one of 64 bits only when it is added to what the other pixels
# contribute, which a row without any lacks. With the fill value in the type of the result, which the function has at hand, all rows
# are right. A fill value of 0, the default, has nothing to overflow.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sparse==0.19.3 numba==0.68.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import sparse

print("sparse", sparse.__version__)
photo = np.full((3, 4), 200, np.uint8)
photo[1, 2] = 10
background = sparse.COO.from_numpy(photo, fill_value=np.uint8(200))
assert (background.todense() == photo).all()
for name in ("sum", "prod"):
    expected = getattr(np, name)(photo, axis=1)
    seen = getattr(sparse, name)(background, axis=1)
    print(f"{name} of each row - expected: {expected} - seen: {seen.todense()}, {seen.dtype}")
    assert seen.dtype == expected.dtype == np.uint64
    assert (seen.todense() == expected).tolist() == [False, True, False]
    assert (seen.todense() == expected % 256)[[0, 2]].all()
    as_numbers = getattr(sparse, name)(background.astype("int64"), axis=1)
    assert (as_numbers.todense() == expected).all()
PYTHON
