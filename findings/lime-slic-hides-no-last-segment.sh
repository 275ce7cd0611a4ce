#!/usr/bin/env bash
# LIME 0.2.0.1: of a photo segmented by SLIC, one segment is never hidden, so an object in it explains nothing.
#
# LIME hides the segments 0 to n - 1 of n, whatever their labels are. scikit-image's slic() counts from 1 by default, since 0.19, and
# LIME's own SegmentationAlgorithm("slic") leaves it at that. So the last segment stays in every sample, and the weights have a segment 0
# that does not exist. Here a classifier looks at one corner of the photo alone, and no segment has any weight; with start_label=0
# that corner has nearly all of it. quickshift, the default, and felzenszwalb count from 0. alibi had the same and fixed it (alibi
# issue 748). No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lime==0.2.0.1 scikit-image==0.26.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from lime.lime_image import LimeImageExplainer
from lime.wrappers.scikit_image import SegmentationAlgorithm

print("LIME", version("lime"))
photo = np.zeros((40, 40, 3))
corners = [np.s_[:20, :20], np.s_[:20, 20:], np.s_[20:, :20], np.s_[20:, 20:]]
for corner, color in zip(corners, ([1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0])):
    photo[corner] = color
for start, name in enumerate(("with start_label=0", "by default")):
    for label, corner in enumerate(corners, start):

        def classify(photos):
            """Return the probabilities of two classes: how much of the corner is bright."""
            bright = photos.max(axis=-1)[:, *corner].mean(axis=(1, 2))
            return np.stack([1 - bright, bright], axis=1)

        slic = SegmentationAlgorithm("slic", n_segments=4, compactness=0.1, sigma=0, **({} if start else {"start_label": 0}))
        assert (slic(photo)[corner] == label).all()
        explainer = LimeImageExplainer(random_state=0)
        explanation = explainer.explain_instance(photo, classify, hide_color=0, num_samples=200, segmentation_fn=slic, top_labels=None)
        weights = {int(segment): round(float(weight), 2) for segment, weight in sorted(explanation.local_exp[1])}
        print(f"{name}, an object in segment {label} - expected: most weight there - seen: {weights}")
        assert weights.get(label, 0) > 0.9 if label < 4 else max(weights.values()) == 0
PYTHON
