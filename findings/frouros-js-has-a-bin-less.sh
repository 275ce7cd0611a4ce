#!/usr/bin/env bash
# Frouros 0.9.0: with num_bins=2, the Jensen-Shannon distance of any two samples is 0, and so is the KL divergence: there is one bin.
#
# The documentation calls num_bins the "number of bins in which to divide probabilities", but the edges are np.linspace(low, high, num_bins),
# which is a bin less. The Hellinger distance, of the same package, has as many as it was told. A drift from black photos to white ones is
# not seen with two bins, and with three or more each distance is that of a bin less.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet frouros==0.9.0 scipy==1.14.1 numpy==2.1.3 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from frouros.detectors.data_drift import JS, KL, HellingerDistance
from scipy.spatial.distance import jensenshannon

print("Frouros", version("frouros"))
random = np.random.default_rng(0)


def distance(detector, reference, photos):
    detector.fit(X=reference)
    return detector.compare(X=photos)[0].distance


dark, light = random.uniform(0, 0.2, 1000), random.uniform(0.8, 1, 1000)
for name, detector, expected in [
    ("Jensen-Shannon", JS(num_bins=2), np.sqrt(np.log(2))),
    ("Kullback-Leibler", KL(num_bins=2), np.inf),
    ("Hellinger", HellingerDistance(num_bins=2), 1),
]:
    seen = distance(detector, dark, light)
    print(f"{name} distance of dark photos and light ones - expected: {expected:.3f} - seen: {seen:.3f}")
    assert np.isclose(seen, expected) if name == "Hellinger" else seen == 0
uniform, triangular = random.uniform(0, 1, 100_000), random.triangular(0, 1, 1, 100_000)
for bins in (3, 4):
    shares = [[np.mean((photos >= i / n) & (photos < (i + 1) / n)) for i in range(n)] for n in (bins, bins - 1) for photos in (uniform, triangular)]
    expected, less = jensenshannon(*shares[:2]), jensenshannon(*shares[2:])
    seen = distance(JS(num_bins=bins), uniform, triangular)
    print(f"num_bins={bins} - expected: {expected:.3f} - seen: {seen:.3f}, as with {bins - 1}: {less:.3f}")
    assert abs(seen - less) < 0.002 < 0.01 < expected - seen
PYTHON
