#!/usr/bin/env bash
# crepes 0.9.1: predict_p_online(all_classes=False, smoothing=False) returns the p values of calibration photos for those of test photos.
#
# The p value of a test photo is the share of scores, of calibration photos and earlier test photos, that are as large as its own. This one
# of several branches takes the score of the first, second, ... of all photos, which are the calibration photos. So photos that a model finds
# unlike all others look as usual as these, and the shift that the p values are to show is hidden. With all_classes=True and with smoothing
# it is right, and without calibration photos, as it begins with the first of all then.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet crepes==0.9.1 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from crepes import ConformalClassifier

print("crepes", version("crepes"))
random = np.random.default_rng(0)
classes = np.array(["cat", "dog"])
calibration = random.random(500)  # scores of how unusual the right class is
labels = random.choice(classes, 200)
usual = random.random((200, 2))
for name, scores in [("usual photos", usual), ("photos that are all unusual", usual + 1)]:
    own = scores[np.arange(200), (labels == "dog").astype(int)]
    earlier = [np.concatenate([calibration, own[:count]]) for count in range(200)]
    expected = np.array([(np.sum(others >= score) + 1) / (len(others) + 1) for others, score in zip(earlier, own, strict=True)])
    classifier = ConformalClassifier().fit(calibration)
    both = classifier.predict_p_online(scores, classes, labels, smoothing=False)
    assert np.allclose(both[np.arange(200), (labels == "dog").astype(int)], expected)
    seen = classifier.predict_p_online(scores, classes, labels, all_classes=False, smoothing=False)
    shares = zip(earlier, own, calibration, strict=False)
    of_calibration = [np.mean(np.append(others, score) >= wrong) for others, score, wrong in shares]
    print(f"{name} - expected: p values with a mean of {expected.mean():.2f} - seen: {seen.mean():.2f}", end="")
    print(f", {np.isclose(seen, expected).mean():.0%} of them right")
    assert np.allclose(seen, of_calibration) and np.isclose(seen, expected).mean() < 0.05
    cold = classifier.predict_p_online(scores, classes, labels, all_classes=False, smoothing=False, warm_start=False)
    assert np.allclose(cold, [np.mean(own[: count + 1] >= score) for count, score in enumerate(own)])
PYTHON
