#!/usr/bin/env bash
# Matplotlib 3.11.2: bar() draws a bar of 200 on top of one of 100 from 100 down to 44, if both are uint8.
#
# A bar's top is its bottom plus its height, which are added up in their own type: 300 is 44 modulo 256. The axis ends at 100, and
# bar_label() still writes 200. So stacked bars of counts or pixels in small types are wrong without an error: those of int8 and
# int16 wrap around, too, as do barh(left=...) and broken_barh(). stackplot() adds up in floats, pandas' stacked bars in int64, and
# both are right. Near to it: issue 4751 (closed: positions of uint8 bars). No issue of the project describes it of heights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet matplotlib==3.11.2 numpy==2.4.6 2>/dev/null
MPLCONFIGDIR="$folder" "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import matplotlib
import numpy as np

matplotlib.use("agg")
from matplotlib import pyplot as plt

print("Matplotlib", matplotlib.__version__)


def draw(dtype, lower, upper, horizontal=False):
    """Return the ends of the upper of two stacked bars as drawn, the end of the axis, and the bar's label."""
    lower, upper = np.array([lower], dtype), np.array([upper], dtype)
    figure, axes = plt.subplots()
    if horizontal:
        axes.barh(["cats"], lower)
        bars = axes.barh(["cats"], upper, left=lower)
    else:
        axes.bar(["cats"], lower)
        bars = axes.bar(["cats"], upper, bottom=lower)
    [label] = axes.bar_label(bars)
    figure.canvas.draw()
    box = bars[0].get_window_extent().transformed(axes.transData.inverted())
    ends = box.intervalx if horizontal else box.intervaly
    limit = axes.get_xlim()[1] if horizontal else axes.get_ylim()[1]
    plt.close(figure)
    return [round(end) for end in sorted(ends)], round(limit), label.get_text()


for dtype, lower, upper, wrapped in [(np.uint8, 100, 200, 44), (np.int8, 100, 100, -56), (np.int16, 20_000, 30_000, -15_536)]:
    for horizontal in (False, True):
        expected, right_limit, right_label = draw(np.int64, lower, upper, horizontal)
        seen, limit, label = draw(dtype, lower, upper, horizontal)
        print(f"{upper} on {lower} of {dtype.__name__}, horizontal: {horizontal} - expected, as of int64: {expected}", end=" - ")
        print(f"seen: {seen}, labelled {label}, on an axis to {limit:,} instead of {right_limit:,}")
        assert expected == [lower, lower + upper] and right_limit > lower + upper
        assert seen == [wrapped, lower] and limit < lower + upper
        assert label == right_label == str(upper)
PYTHON
