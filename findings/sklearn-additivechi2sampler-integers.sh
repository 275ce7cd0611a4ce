#!/usr/bin/env bash
# scikit-learn 1.9.1: of histograms that are counts, AdditiveChi2Sampler cuts off the fractions of its features: of 0 and 1 both are 0.
#
# It approximates a kernel for histograms, whose counts are integers. The roots and cosines that it computes are written to arrays of
# the type of the counts, so they lose their fractions: the counts 0 to 12 have four different features, and the approximated kernel is
# a third of the exact one. Sparse matrices are cut off, too; the same counts as floats are right. fit() and transform() say nothing,
# and the documentation names no type. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import scipy
import sklearn
from sklearn.kernel_approximation import AdditiveChi2Sampler

print("scikit-learn", sklearn.__version__)
features = {dtype: AdditiveChi2Sampler(sample_steps=1).fit_transform(np.arange(13, dtype=dtype)[:, None])[:, 0] for dtype in (float, int)}
print("features of the counts 0 to 12 - expected:", *features[float].round(2), "- seen:", *features[int])
assert np.array_equal(features[int], np.trunc(features[float])) and len(set(features[int])) == 4

histograms = np.random.default_rng(0).poisson(4, (2, 16))  # 16 bins, of about 64 points of a photo
exact = (2 * histograms[0] * histograms[1] / histograms.sum(0).clip(1)).sum()
for name, counts in {
    "float64": histograms.astype(float),
    "int64": histograms,
    "uint8": histograms.astype(np.uint8),
    "sparse int64": scipy.sparse.csr_array(histograms),
}.items():
    transformed = AdditiveChi2Sampler(sample_steps=3).fit_transform(counts)
    first, second = (transformed.toarray() if scipy.sparse.issparse(transformed) else transformed).astype(float)
    print(f"kernel of {name} - expected: {exact:.1f} - seen: {first @ second:.1f}")
    assert (0.9 < first @ second / exact < 1.1) if name == "float64" else (first @ second < 0.5 * exact)
PYTHON
