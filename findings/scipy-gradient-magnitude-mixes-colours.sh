#!/usr/bin/env bash
# SciPy 1.17.1: ndimage.gaussian_gradient_magnitude(photo, 2, axes=(0, 1)) mixes the colours of a photo, and the photos of a batch.
#
# Derivatives are taken along the given axes alone, but each is smoothed along all of them, as axes is not passed on to the Gaussian filter.
# So an edge that only the red channel has is in green and blue, too. The documentation calls axes "the axes over which to apply the
# filter"; gaussian_filter and gaussian_laplace keep to them. With axes=(0, 1) and sigma=(2, 2, 0), or channel by channel, it is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy import ndimage

print("SciPy", scipy.__version__)
photo = np.zeros((32, 32, 3))
photo[:, 16:, 0] = 100  # an edge in red alone
for name, function, right in [
    ("gaussian_laplace", ndimage.gaussian_laplace, True),
    ("gaussian_gradient_magnitude", ndimage.gaussian_gradient_magnitude, False),
]:
    expected = np.dstack([function(photo[..., channel], 2) for channel in range(3)])
    seen = function(photo, 2, axes=(0, 1))
    print(f"{name}, the maximum of red, green, blue - expected: {expected.max((0, 1)).round(2)} - seen: {seen.max((0, 1)).round(2)}")
    assert np.allclose(seen, expected) == right and expected.max((0, 1))[1:].max() == 0
assert seen.max((0, 1))[1] > 5 and seen.max((0, 1))[0] < 0.7 * expected.max()
photos = np.stack([photo[..., 0], np.zeros((32, 32))])
seen = ndimage.gaussian_gradient_magnitude(photos, 2, axes=(1, 2))
print(f"the maximum of two photos, the second of which is black - expected: [{expected.max():.2f} 0.] - seen: {seen.max((1, 2)).round(2)}")
assert seen[1].max() > 5
assert np.allclose(ndimage.gaussian_gradient_magnitude(photo, (2, 2, 0), axes=(0, 1)), expected)
PYTHON
