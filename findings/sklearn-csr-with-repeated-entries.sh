#!/usr/bin/env bash
# scikit-learn 1.9.1: each row of a sparse matrix with repeated entries has the first row for its nearest neighbour.
#
# In a CSR matrix an entry may be stored in parts, which are added up: SciPy's documentation builds a matrix of word counts that way, and
# its toarray(), sums, products and powers respect it. scikit-learn accepts such a matrix and takes each part for an entry of its own:
# norms are the root of 1 + 1 + 1 instead of 3 squared, so normalized rows are too long, and distances are wrong down to 0. KMeans, SVC
# and SelectKBest are concerned, too. The same matrix after sum_duplicates(), or as an array, is right. No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import sklearn
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

print("scikit-learn", sklearn.__version__)
captions = [["sand", "sea", "sea", "sea", "sea"], ["sea", "sea", "sea", "sea", "rock"], ["sand", "sand", "sea", "rock"]]
words, starts, columns = {}, [0], []
for caption in captions:  # as in SciPy's documentation of csr_array
    columns += [words.setdefault(word, len(words)) for word in caption]
    starts.append(len(columns))


def counts(kind):
    matrix = csr_array((np.ones(len(columns)), list(columns), list(starts)))
    if kind == "summed":
        matrix.sum_duplicates()
    return matrix.toarray() if kind == "an array" else matrix


assert np.array_equal(counts("summed").toarray(), counts("in parts").toarray())
print(counts("an array"))
for kind in ("an array", "summed", "in parts"):
    if kind != "an array":
        for name, function in [("normalize", normalize), ("TfidfTransformer", TfidfTransformer().fit_transform)]:
            lengths = np.linalg.norm(function(counts(kind)).toarray(), axis=1)
            print(f"{name} of counts {kind}, lengths of the rows - expected: [1. 1. 1.] - seen: {lengths.round(2)}")
            assert np.allclose(lengths, 1) == (kind == "summed")
    distances, indices = NearestNeighbors(n_neighbors=1).fit(counts(kind)).kneighbors(counts(kind))
    print(f"nearest rows of counts, {kind} - expected: [0, 1, 2] - seen: {indices.ravel().tolist()}", end=" - ")
    print("at distances of", distances.ravel().tolist())
    assert indices.ravel().tolist() == ([0, 0, 0] if kind == "in parts" else [0, 1, 2])
PYTHON
