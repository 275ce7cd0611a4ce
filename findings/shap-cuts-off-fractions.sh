#!/usr/bin/env bash
# SHAP 0.51.0: of a background of whole numbers, the explained photo or row is rounded down before the model sees it.
#
# A sample that is partly the explained row and partly the background is written into a copy of the background, in its type. With
# zeros as integers, a usual baseline, or a column of counts, 2.9 becomes 2 and a probability 0. The values then add up to another
# prediction than the model's, or, in KernelExplainer, which makes them add up, are spread over the wrong features: here, of a model
# that adds its features. SamplingExplainer is right, and so are all with the same background as floats. float16 is rounded, too.
# The documentation asks for an array or a table and names no type. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet shap==0.51.0 scikit-learn==1.9.1 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import numpy as np
import shap


def explain(name, background):
    if name in ("KernelExplainer", "SamplingExplainer"):
        return getattr(shap, name)(add, background).shap_values(row, silent=True)[0]
    return shap.Explainer(add, shap.maskers.Independent(background), algorithm=name)(row).values[0]


def add(rows):
    return np.asarray(rows, float).sum(axis=1)


print("SHAP", shap.__version__)
row = np.array([[0.9, 1.7, 2.8]])  # of a sum, and a background of zeros, each value is the feature itself
for name in ("KernelExplainer", "exact", "permutation", "SamplingExplainer"):
    for dtype in (float, int, bool):
        seen = explain(name, np.zeros((1, 3), dtype))
        print(f"{name}, a background of {dtype.__name__} - expected: {row[0]} - seen: {seen.round(3)}")
        assert np.allclose(seen, row[0]) == (dtype is float or name == "SamplingExplainer")
        assert dtype is float or name != "exact" or np.allclose(seen, row[0].astype(dtype))
PYTHON
