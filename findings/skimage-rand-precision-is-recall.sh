#!/usr/bin/env bash
# scikit-image 0.26.0: adapted_rand_error returns the recall as the precision, the precision as the recall, and takes alpha for 1 - alpha.
#
# The documentation: precision is "the number of pairs of pixels that have the same label in the test label image and in the true image,
# divided by the number in the test image". A test image that cuts an object into halves has no wrong pair, so its precision is 1; it is
# returned as 3/7, which is the recall. Rows of the contingency table are true labels, and are taken for those of the test image. With
# alpha=0.5, the default, the error itself is right; with another alpha, merged and split objects are weighted the other way round.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import itertools

import numpy as np
import skimage
from skimage.metrics import adapted_rand_error

print("scikit-image", skimage.__version__)
whole, halves = np.ones(8, int), np.repeat([1, 2], 4)
for name, true, test in (("an object cut into halves", whole, halves), ("two objects merged", halves, whole)):
    pairs = list(itertools.combinations(range(8), 2))
    both = sum(true[i] == true[j] and test[i] == test[j] for i, j in pairs)
    in_test, in_true = (sum(image[i] == image[j] for i, j in pairs) for image in (test, true))
    error, precision, recall = adapted_rand_error(true, test)
    print(f"{name} - expected: precision {both / in_test:.2f}, recall {both / in_true:.2f}"
          f" - seen: precision {precision:.2f}, recall {recall:.2f}")
    assert np.isclose(precision, both / in_true) and np.isclose(recall, both / in_test) and in_test != in_true
    assert np.isclose(error, 1 - 2 * both / (in_test + in_true))
    expected = 1 - both / (0.9 * in_test + 0.1 * in_true)
    seen = adapted_rand_error(true, test, alpha=0.9)[0]
    print(f"{name}, error with alpha=0.9 - expected: {expected:.2f} - seen: {seen:.2f}")
    assert np.isclose(seen, 1 - both / (0.1 * in_test + 0.9 * in_true))
PYTHON
