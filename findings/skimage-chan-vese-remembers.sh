#!/usr/bin/env bash
# scikit-image 0.26.0: morphological_chan_vese() of the same image returns another segmentation the second time.
#
# Smoothing has two operators, which take turns. Whose turn it is belongs to the module, not to the call: after an odd number of
# iterations the next call begins with the other one, whichever image that call is about. So a result depends on how many images were
# segmented before, by this function or by morphological_geodesic_active_contour(), and every second call has the first result again.
# Neither has a random part. The documentation does not mention it, and no issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import skimage
from scipy import ndimage
from skimage import segmentation

image = ndimage.gaussian_filter(np.random.default_rng(0).random((60, 60)), 2)
edges = segmentation.inverse_gaussian_gradient(image)
print("scikit-image", skimage.__version__)
for name, segment in (
    ("morphological_chan_vese", lambda iterations: segmentation.morphological_chan_vese(image, iterations)),
    ("morphological_geodesic_active_contour", lambda iterations: segmentation.morphological_geodesic_active_contour(edges, iterations, balloon=-1)),
):
    for iterations in (4, 5):
        first, second, third = (segment(iterations) for _ in range(3))
        changed = int((first != second).sum())
        print(f"{name}, {iterations} iterations - expected: the same pixels each time - seen: {changed} of {image.size} change", end="")
        print(" the second time, and", int((first != third).sum()), "the third time")
        assert (changed > 20) == (iterations == 5) and np.array_equal(first, third)
PYTHON
