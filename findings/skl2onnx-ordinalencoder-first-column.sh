#!/usr/bin/env bash
# skl2onnx 1.20.0: an exported OrdinalEncoder with min_frequency codes every column by the frequencies of the first.
#
# scikit-learn gives the infrequent categories of a column its last code, and numbers the others before it. The exported encoder numbers
# the categories of all columns as those of the first: where the second camera in order is rare, the second weather gets the last code in
# any case, and a rare first one the code of a frequent one. A classifier behind it reads the code of other weather. max_categories is the
# same. The first column is right, so are encoders without these arguments, and an encoder for each column. Near to it: issue 1215
# (closed), since which these arguments are exported.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error::UserWarning - <<'PYTHON'
import numpy as np
import onnxruntime
import skl2onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier


def exported(model, rows):
    """Return the first output of a model that was exported to ONNX, of the rows."""
    bytes_ = skl2onnx.to_onnx(model, initial_types=[("X", StringTensorType([None, rows.shape[1]]))]).SerializeToString()
    return onnxruntime.InferenceSession(bytes_, providers=["CPUExecutionProvider"]).run(None, {"X": rows})[0]


print("skl2onnx", skl2onnx.__version__)
cameras = np.repeat(np.array(["Canon", "Leica", "Nikon", "Sony"], object), [50, 3, 50, 50])
weathers = np.repeat(np.array(["dry", "rain", "snow", "wet"], object), [3, 50, 50, 50])
photos = np.stack([cameras, np.random.default_rng(0).permutation(weathers)], 1)
rainy = photos[:, 1] == "rain"
for arguments in ({}, {"min_frequency": 10}):
    encoder = OrdinalEncoder(**arguments).fit(photos)
    expected, seen = encoder.transform(photos), exported(encoder, photos)
    for column in (0, 1):
        codes = [dict(sorted(set(zip(photos[:, column], array[:, column].tolist())))) for array in (expected, seen)]
        print(f"{arguments}, column {column} - expected: {codes[0]} - seen: {codes[1]}")
        assert (codes[0] == codes[1]) == (column == 0 or not arguments)
        alone = photos[:, [column]]
        assert (exported(encoder.fit(alone), alone) == encoder.transform(alone)).all()
    model = make_pipeline(OrdinalEncoder(**arguments), DecisionTreeClassifier(random_state=0)).fit(photos, rainy)
    wrong = int((exported(model, photos).astype(bool) != rainy).sum())
    print(f"{arguments} and a classifier - expected: 0 of {len(rainy)} are wrong - seen: {wrong}")
    assert (model.predict(photos) == rainy).all() and (wrong > 40) == bool(arguments)
PYTHON
