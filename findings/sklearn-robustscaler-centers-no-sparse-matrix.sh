#!/usr/bin/env bash
# scikit-learn 1.9.1: RobustScaler, fitted to an array, scales a sparse matrix without centring it, so a classifier predicts other classes.
#
# The documentation of with_centering, which is the default, says that it "will cause transform to raise an exception when attempted on
# sparse matrices". fit does; transform and inverse_transform leave the centre out without a word. StandardScaler refuses in all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import sklearn
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

print("scikit-learn", sklearn.__version__)
random = np.random.default_rng(0)
features = random.normal(5, 1, (1000, 4))
labels = (features.sum(1) > 20).astype(int)
for Scaler in StandardScaler, RobustScaler:
    pipeline = make_pipeline(Scaler(), LogisticRegression()).fit(features, labels)
    print(f"{Scaler.__name__}, accuracy for an array: {pipeline.score(features, labels):.2f}; for a sparse one - expected: an error", end="")
    try:
        accuracy = pipeline.score(csr_array(features), labels)
        print(f" - seen: {accuracy:.2f}")
        assert Scaler is RobustScaler and accuracy < 0.6
    except ValueError as error:
        print(f" - seen: {error}")
        assert Scaler is StandardScaler and "Cannot center sparse matrices" in str(error)
scaler = RobustScaler().fit(features)
back = scaler.inverse_transform(csr_array(scaler.transform(features))).toarray()
assert abs(back.mean()) < 0.1 and abs(scaler.inverse_transform(scaler.transform(features)) - features).max() < 1e-9
PYTHON
