#!/usr/bin/env bash
# imbalanced-learn 0.14.2: the photos that SMOTE makes of uint8 pixels are noise.
#
# A synthetic sample lies between a sample and one of its neighbours. SMOTE, BorderlineSMOTE and ADASYN subtract the two in the type of
# the features, and 100 - 110 is 246 in uint8. So the samples leave the range of their class, down to 0 and up to 255, without a
# warning. The same pixels as int64 or float64 are right. The documentation asks for a matrix and names no type; uint8 is kept.
# No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imbalanced-learn==0.14.2 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import imblearn
import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE

random = np.random.default_rng(0)
common = random.integers(90, 150, (200, 12))  # pixels of two classes that overlap
rare = random.integers(105, 165, (40, 12))
pixels, labels = np.concatenate([common, rare]), np.repeat([0, 1], [200, 40])
print("imbalanced-learn", imblearn.__version__)
for sampler in (SMOTE, BorderlineSMOTE, ADASYN):
    for dtype in (np.int64, np.float64, np.uint8):
        resampled, _ = sampler(random_state=0).fit_resample(pixels.astype(dtype), labels)
        synthetic = resampled[len(pixels) :]
        outside = float(((synthetic < 105) | (synthetic > 164)).mean())
        print(f"{sampler.__name__} of {dtype.__name__} - expected: pixels of 105 to 164, as in the rare class", end=" - ")
        print(f"seen: {int(synthetic.min())} to {int(synthetic.max())}, {outside:.0%} outside")
        assert resampled.dtype == dtype and len(synthetic) > 100
        assert (outside > 0.2) if dtype == np.uint8 else (outside == 0)
PYTHON
