#!/usr/bin/env bash
# seaborn 0.13.2: histplot(stat="frequency") of two groups draws each bar too low by the share of its group in all values.
#
# The documentation: frequency shows "the number of observations divided by the bin width", which depends on no other group. With hue, the
# default common_norm=True multiplies it by the group's share, which is meant for normalized statistics, so that the areas of all bars add
# up to less than the number of observations: of 30 cats and 10 dogs, cats are drawn at 3/4 and dogs at 1/4 of their frequency. In stacked
# bars likewise. With common_norm=False the frequencies are right, as without hue, and so are the other statistics.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet seaborn==0.13.2 matplotlib==3.11.2 pandas==3.1.1 numpy==2.4.6 2>/dev/null
MPLBACKEND=Agg "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

print("seaborn", sns.__version__)
random = np.random.default_rng(0)
edges = np.linspace(0, 1, 6)
photos = pd.DataFrame({"confidence": random.random(40), "label": ["cat"] * 30 + ["dog"] * 10})


def heights(**options):
    """Return the heights of all bars of a histogram, of cats and then of dogs."""
    plt.close("all")
    axes = sns.histplot(photos, x="confidence", hue="label", hue_order=["dog", "cat"], bins=edges, **options)
    return np.array([bar.get_height() for bar in axes.patches])


counts = np.concatenate([np.histogram(photos.confidence[photos.label == label], edges)[0] for label in ("cat", "dog")])
expected = counts / 0.2
assert np.allclose(heights(stat="count"), counts) and np.allclose(heights(stat="density"), counts / 40 / 0.2)
assert np.allclose(heights(stat="frequency", common_norm=False), expected)
for multiple in ("layer", "stack"):
    seen = heights(stat="frequency", multiple=multiple)
    area = 0.2 * seen.sum()
    print(f"{multiple}, first bar of cats and of dogs - expected: {expected[0]:.1f} and {expected[5]:.1f}"
          f" - seen: {seen[0]:.1f} and {seen[5]:.1f}, of {area:.0f} instead of 40 photos")
    assert np.allclose(seen, expected * np.repeat([0.75, 0.25], 5)) and np.isclose(area, 25)
PYTHON
